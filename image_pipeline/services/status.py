"""The status of a library: what was ingested and with which models, what is waiting, and the size of the store."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.qdrant import SearchedVersion
from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.errors import LibraryError
from image_pipeline.files.backlog import Waiting, count_waiting
from image_pipeline.files.names import to_text
from image_pipeline.files.partition import Partition
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.size import StoreSize, size_of_store
from image_pipeline.terminal import counted, in_bytes

_SCAN_SECONDS = 2.0
"""The time limit for scanning the library, and for measuring the store, since the user waits for the status."""


@dataclass(frozen=True)
class LastRun:
    """`job` is `ingest` or `retire`; `status` is Dagster's, in lower case; `began` is ISO 8601, None before the start.

    `seconds` is the duration, None before the end. `error` is the error that made the run fail, None if it did not.
    """

    run_id: str
    job: str
    status: str
    began: str | None
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class Status:
    """The library, the version of the collection that is searched (None before the first ingestion), and counts.

    `models` is the embedding producer of that version, or the setting before the first ingestion; `embedder` and
    `dtype` likewise. `next_embedder` is the embedder in the settings if it is a different one, `captioner` is the one
    in the settings (None: captions are off). `waiting` is None if there is no library that can be read; `library_error`
    says why it cannot be read.
    """

    library: str | None
    collection: str | None
    points: int
    directories: int
    quarantined: int
    models: str
    qdrant: str
    store: str
    embedder: str
    captioner: str | None
    dtype: str
    next_embedder: str | None
    waiting: Waiting | None
    library_error: str | None
    size: StoreSize
    last_run: LastRun | None

    def lines(self) -> Iterator[tuple[str, str]]:
        """Everything except the library, for people: a name and a text for each line."""
        yield "store", self.store
        yield "disk", _size(self.size)
        yield "collection", f"{self.collection or 'none yet'}, {self.qdrant}"
        yield "points", f"{self.points:,} in {counted(self.directories, 'directory', 'directories')}"
        yield "quarantine", counted(self.quarantined, "file")
        yield "embeddings", f"{self.embedder}, dtype {self.dtype}"
        if self.next_embedder is not None:
            yield "", f"{self.next_embedder} will replace it once everything is ingested with it"
        yield "captions", self.captioner or "off"
        yield "waiting", self.library_error or ("nothing" if self.waiting is None else _waiting(self.waiting))
        yield "last run", "none yet" if self.last_run is None else _run(self.last_run)


def read_status(
    settings: Settings, library: Path | None, ledger: Ledger, address: QdrantAddress, last_run: LastRun | None
) -> Status:
    """Read the status; `last_run` is the last run that Dagster recorded. Connects to Qdrant only, and loads no model.

    Raises ServiceUnavailableError if Qdrant does not answer.
    """
    entries = ledger.entries()
    inference = Wiring(settings).models
    embedder, captioner = inference.names
    version, points, versions = again_if_replaced(lambda: _ask_qdrant(settings, address))
    is_here = inference.is_configured_here
    waiting, library_error = None, None
    if library is not None:
        recipe = Wiring(settings).recipe if is_here else ""
        try:
            ingested = ledger.ingested(recipe, versions)
            waiting = count_waiting(library, ingested, settings.partition_size, _SCAN_SECONDS)
        except LibraryError as error:
            library_error = str(error)
    is_same = version is None or (is_here and version.producer == str(inference.embedding_producer))
    return Status(
        library=None if library is None else to_text(str(library)),
        collection=None if version is None else version.name,
        points=points,
        directories=len({Partition.from_key(key).directory for key in entries}),
        quarantined=sum(entry.quarantined for entry in entries.values()),
        models=settings.models if version is None else version.producer,
        qdrant=str(address),
        store=str(settings.home),
        embedder=embedder if version is None else version.model,
        captioner=captioner,
        dtype=str(settings.dtype if version is None else version.dtype),
        next_embedder=None if is_same else embedder,
        waiting=waiting,
        library_error=library_error,
        size=size_of_store(settings.home, _SCAN_SECONDS),
        last_run=last_run,
    )


def _ask_qdrant(settings: Settings, address: QdrantAddress) -> tuple[SearchedVersion | None, int, list[str]]:
    """The version that is searched, its number of points, and the names of all versions."""
    if not address.exists:
        return None, 0, []
    with address.connect(settings.collection) as qdrant:
        versions = qdrant.versions()
        if qdrant.alias_target() is None:
            return None, 0, versions
        version = qdrant.searched_version()
        points = qdrant.points(version.name)
        with points.reading():
            return version, points.count(), versions


def _waiting(waiting: Waiting) -> str:
    kinds = [(waiting.new, "new"), (waiting.changed, "changed"), (waiting.gone, "gone")]
    parts = ", ".join(f"{counted(count, 'directory', 'directories')} {kind}" for count, kind in kinds if count)
    summary = f"{parts}, with {counted(waiting.files, 'file')}" if parts else "nothing"
    if waiting.is_whole:
        return summary
    scanned = counted(waiting.directories, "directory", "directories")
    return f"{summary} (incomplete: {scanned} scanned in {_SCAN_SECONDS:g} s)"


def _run(run: LastRun) -> str:
    began = "not started" if run.began is None else datetime.fromisoformat(run.began).strftime("%Y-%m-%d %H:%M:%S")
    took = "" if run.seconds is None else f" in {run.seconds:,.1f} s"
    error = "" if run.error is None else f": {run.error}"
    return f"{began}  {run.job} {run.status}{took} (run {run.run_id[:8]}){error}"


def _size(size: StoreSize) -> str:
    parts = ", ".join(f"{name} {in_bytes(taken)}" for name, taken in size.parts.items() if taken)
    return f"{'' if size.is_whole else 'at least '}{in_bytes(size.total)}: {parts}" if parts else "empty"
