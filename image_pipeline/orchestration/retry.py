"""Immediate retries of failed files, without the rest of the library."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from image_pipeline.files.names import from_text
from image_pipeline.files.partition import Partition
from image_pipeline.files.unlisted import Unlisted, UnlistedError
from image_pipeline.orchestration.ingest import Ingestion
from image_pipeline.schema.outcome import PASSING
from image_pipeline.storage.history import Event


class Outcome(StrEnum):
    """The result of retrying a file."""

    INDEXED = "indexed"
    FAILED = "failed"
    GONE = "gone"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True)
class Retried:
    """A file to retry, and the outcome.

    If it failed, `reason` is the reason of its quarantine, or `metadata` if it is a point whose metadata could not be
    read. If it was not tried, `message` says why.
    """

    path: str
    outcome: Outcome
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class _Failed:
    partition_key: str
    path: str
    sha256: str | None
    reason: str
    message: str
    may_pass: bool


def retry(ingestion: Ingestion, paths: Sequence[str], on_run: Callable[[int, int], None]) -> list[Retried]:
    """Retry files that are in quarantine or whose metadata could not be read, and return the outcome of each.

    `paths` are files or directories relative to the library ("" is the whole library); all failed files at or below
    them are retried. Without `paths`, the files are retried that failed for a temporary reason (`PASSING`). Raises as
    `Ingestion.run` does.
    """
    ledger = ingestion.ledger
    failed = _failed(ingestion)
    chosen = {file for file in failed if (_is_below(file.path, set(paths)) if paths else file.may_pass)}
    if not chosen:
        return []
    contents = {file.sha256 for file in chosen if file.sha256 is not None}
    # if a content is readable now, all its copies leave quarantine
    concerned = {file.partition_key for file in failed if file in chosen or file.sha256 in contents}
    ledger.try_again(contents)
    ledger.set_outdated(concerned)
    before, unlisted = ledger.entries(), Unlisted()
    try:
        ingestion.run(on_run, only={Partition.from_key(key).directory for key in concerned})
    except UnlistedError as error:
        unlisted = error.unlisted
    entries = ledger.entries()
    tried = {key for key, entry in entries.items() if entry != before.get(key)}
    outcomes = _Outcomes(ingestion, tried, unlisted)
    return [outcomes.of(path) for path in sorted({file.path for file in chosen})]


def _failed(ingestion: Ingestion) -> list[_Failed]:
    ledger = ingestion.ledger
    return [
        *(
            _Failed(file.partition_key, file.path, file.sha256, file.reason, file.message, file.reason in PASSING)
            for file in ledger.quarantine()
        ),
        *(
            _Failed(file.partition_key, file.path, file.sha256, "metadata", "its metadata could not be read", True)
            for file in ledger.without_metadata()
        ),
    ]


class _Outcomes:
    """The outcomes of files in a run that ingested the partitions `tried` and could not list those in `unlisted`."""

    def __init__(self, ingestion: Ingestion, tried: Collection[str], unlisted: Unlisted) -> None:
        self._ledger, self._root, self._unlisted = ingestion.ledger, ingestion.library_root, unlisted
        # if a directory was split, its files are also in the quarantine of the unsplit partition until that is retired
        self._failed = {file.path: file for file in _failed(ingestion) if file.partition_key in tried}
        self._tried: dict[str, list[Partition]] = {}
        for partition in map(Partition.from_key, tried):
            self._tried.setdefault(partition.directory, []).append(partition)

    def of(self, path: str) -> Retried:
        failed = self._failed.get(path)
        if failed is not None:
            return Retried(path, Outcome.FAILED, failed.reason, failed.message)
        if not _exists(self._root, path):
            return Retried(path, Outcome.GONE)
        directory, _, name = path.rpartition("/")
        if any(partition.holds(name) for partition in self._tried.get(directory, ())):
            last = self._ledger.history(path)[-1:]
            return Retried(path, Outcome.GONE if last and last[0].event is Event.DELETED else Outcome.INDEXED)
        about = self._unlisted.among([directory])
        why = str(about.error) if about else "its directory changed meanwhile: run `image-pipeline ingest`"
        return Retried(path, Outcome.NOT_TRIED, message=why)


def _exists(root: Path, path: str) -> bool:
    """Whether a file is on disk; True if its directory cannot be read, because the file may be there."""
    try:
        (root / from_text(path)).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _is_below(path: str, chosen: Collection[str]) -> bool:
    """Whether a file is one of `chosen`, or below a directory that is."""
    parts = path.split("/")
    return any("/".join(parts[:depth]) in chosen for depth in range(len(parts) + 1))
