"""The metadata in sidecars, the files beside photographs that describe them: each is read once, unless it changes."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from image_pipeline.files.names import from_text
from image_pipeline.files.open_file import LibraryFile, open_file
from image_pipeline.files.status import FileStatus
from image_pipeline.imaging.metadata import metadata_version
from image_pipeline.imaging.pool import MetadataTask, WorkerPool
from image_pipeline.progress import Counter
from image_pipeline.schema.image_metadata import ImageMetadata, SidecarMetadata
from image_pipeline.schema.outcome import PASSING, Reason
from image_pipeline.schema.rows import DiscoveredFile, Sidecar, Stage
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.stages.sidecar_facts import is_sidecar

_REVISION = 1
"""Bump when other metadata is read from the same sidecar."""

STAGE = StageDeclaration(
    row=Sidecar,
    reads=(Stage.DISCOVERED_FILES,),
    version=lambda models: f"sidecars-{_REVISION} {metadata_version()}",
    doing="reading sidecars",
)


@dataclass(frozen=True)
class ReadSidecars:
    """The rows of a partition, one per sidecar; `read` of them were read now, the others were known before."""

    rows: list[Sidecar]
    read: int

    @property
    def unread(self) -> list[Sidecar]:
        """Those that could not be read; JSON that Google Takeout did not write is none of them."""
        return [row for row in self.rows if row.reason is not None and is_sidecar(row)]


def read_sidecars(
    root: Path, files: Sequence[DiscoveredFile], known: Iterable[Sidecar], pool: WorkerPool
) -> ReadSidecars:
    """The metadata in the sidecars of `files`, which are in the library at `root`, read in the processes of `pool`.

    A sidecar whose size and times match a `known` row is not read again, unless it could not be read then for a reason
    that may be temporary.
    """
    paths = list(dict.fromkeys(path for file in files for path in file.sidecars or ()))
    rows = {row.path: row for row in known if row.reason not in PASSING}
    statuses: dict[str, FileStatus] = {}
    tasks = []
    for path in paths:
        status = _status(root, path)
        if isinstance(status, Sidecar):
            rows[path] = status
        elif path not in rows or FileStatus.noted(rows[path]) != status:
            statuses[path] = status
            tasks.append(MetadataTask(path, LibraryFile(os.fspath(root), from_text(path), status)))
    counter = Counter(Stage.SIDECARS, len(tasks))
    for outcome in pool.read_sidecars(tasks):
        rows[outcome.key] = _row(
            outcome.key, statuses[outcome.key], outcome.sidecar, outcome.reason, outcome.message or None
        )
        counter.advance()
    return ReadSidecars([rows[path] for path in paths], len(tasks))


def _status(root: Path, path: str) -> FileStatus | Sidecar:
    """The status of a sidecar, or the row that says why it cannot be opened."""
    try:
        with open_file(root, path) as file:
            return FileStatus.of(os.fstat(file.fileno()))
    except OSError as error:
        nothing = SidecarMetadata(ImageMetadata())
        return _row(path, FileStatus(0, 0, 0), nothing, Reason.UNREADABLE, error.strerror or str(error))


def _row(
    path: str, status: FileStatus, sidecar: SidecarMetadata, reason: Reason | None, message: str | None
) -> Sidecar:
    return Sidecar(
        path=path,
        **vars(status),
        **asdict(sidecar.metadata),
        for_ending=sidecar.for_ending,
        reason=reason,
        message=message,
    )
