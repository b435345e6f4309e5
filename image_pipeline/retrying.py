"""Tries files again that failed: at once, and nothing else of the library."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from image_pipeline.imaging.reason import PASSING
from image_pipeline.ingest import Ingestion
from image_pipeline.storage.history import Event
from image_pipeline.storage.ledger import Ledger


class Outcome(StrEnum):
    """What came of a file that was tried again."""

    INDEXED = "indexed"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True)
class Retried:
    """A file that was tried again, and what came of it.

    Where it failed, `reason` is that of its quarantine, or `metadata` where it is a point and these could not be read.
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
    """Try the files again that are in quarantine, or whose metadata could not be read, and say what came of each.

    Of `paths` (relative to the library; a directory stands for all that is below it, "" for everything) all that
    failed, whatever the reason; where there are none, what failed for a reason that the surroundings can cause. Raises
    as `Ingestion.run` does.
    """
    ledger = ingestion.ledger
    failed = _failed(ingestion)
    chosen = [file for file in failed if (_is_below(file.path, paths) if paths else file.may_pass)]
    if not chosen:
        return []
    contents = {file.sha256 for file in chosen if file.sha256 is not None}
    # a content that is sound lets all its copies out of quarantine
    concerned = {file.partition_key for file in failed if file in chosen or file.sha256 in contents}
    ledger.try_again(contents)
    ledger.set_outdated(concerned)
    ingestion.run(on_run, only=concerned)
    after = {file.path: file for file in _failed(ingestion)}
    return [_outcome(ledger, path, after.get(path)) for path in sorted({file.path for file in chosen})]


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


def _outcome(ledger: Ledger, path: str, failed: _Failed | None) -> Retried:
    if failed is not None:
        return Retried(path, Outcome.FAILED, failed.reason, failed.message)
    last = ledger.history(path)[-1:]
    return Retried(path, Outcome.GONE if last and last[0].event is Event.DELETED else Outcome.INDEXED)


def _is_below(path: str, directories: Sequence[str]) -> bool:
    return any(path == directory or path.startswith(f"{directory}/" if directory else "") for directory in directories)
