"""The reading of a partition's metadata: each content once, in worker processes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from image_pipeline.files.opening import LibraryFile
from image_pipeline.imaging.pool import MetadataTask, WorkerPool
from image_pipeline.imaging.reason import Reason
from image_pipeline.progress import Counter
from image_pipeline.storage.content import RowCache
from image_pipeline.storage.rows import MetadataOfImage

_NOT_KEPT = frozenset({Reason.UNREADABLE, Reason.TIMEOUT})
"""Reasons that may be gone the next time; a file that was not read is no file without metadata."""


@dataclass(frozen=True)
class ReadMetadata:
    """The rows of a partition, one a content; `read` of them were read now, the others were known."""

    rows: list[MetadataOfImage]
    read: int


def read_metadata(
    pool: WorkerPool, cache: RowCache[MetadataOfImage], sources: Mapping[str, LibraryFile]
) -> ReadMetadata:
    """What the contents `sources` tell of themselves; the cache is kept by the version of the metadata reader."""
    rows = cache.get(list(sources))
    tasks = [MetadataTask(sha256, source) for sha256, source in sources.items() if sha256 not in rows]
    counter = Counter("image_metadata", len(tasks))
    lasting = []
    for outcome in pool.read_metadata(tasks):
        row = MetadataOfImage(sha256=outcome.key, **asdict(outcome.metadata))
        rows[row.sha256] = row
        if outcome.reason not in _NOT_KEPT:
            lasting.append(row)
        counter.advance()
    cache.put(lasting)
    return ReadMetadata([rows[sha256] for sha256 in sources], len(tasks))
