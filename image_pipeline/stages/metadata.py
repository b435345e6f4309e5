"""The reading of a partition's metadata: each content once, in worker processes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from image_pipeline.files.open_file import LibraryFile
from image_pipeline.imaging.pool import MetadataTask, WorkerPool
from image_pipeline.progress import Counter
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.reason import Reason
from image_pipeline.schema.rows import MetadataOfImage
from image_pipeline.storage.content import RowCache
from image_pipeline.storage.failures import Failures


@dataclass(frozen=True)
class ReadMetadata:
    """The rows of a partition, one a content; `read` of them were read now, the others were known."""

    rows: list[MetadataOfImage]
    read: int


def read_metadata(
    pool: WorkerPool, cache: RowCache[MetadataOfImage], failures: Failures, sources: Mapping[str, LibraryFile]
) -> ReadMetadata:
    """What the contents `sources` tell of themselves.

    The cache and `failures` are kept by the version of the metadata reader. What could not be read has an empty row
    with its reason, and is tried again as `failures` say: a file that was not read is no file without metadata.
    """
    rows = cache.get(list(sources))
    for failure in failures.standing([sha256 for sha256 in sources if sha256 not in rows]).values():
        rows[failure.sha256] = _row(failure.sha256, ImageMetadata(), failure.reason)
    tasks = [MetadataTask(sha256, source) for sha256, source in sources.items() if sha256 not in rows]
    counter = Counter("image_metadata", len(tasks))
    lasting: list[MetadataOfImage] = []
    failed: dict[str, tuple[Reason, str]] = {}
    for outcome in pool.read_metadata(tasks):
        row = rows[outcome.key] = _row(outcome.key, outcome.metadata, outcome.reason)
        if outcome.reason is not None:
            failed[row.sha256] = outcome.reason, outcome.message
        else:
            lasting.append(row)
        counter.advance()
    cache.put(lasting)
    failures.record(failed, [row.sha256 for row in lasting])
    return ReadMetadata([rows[sha256] for sha256 in sources], len(tasks))


def _row(sha256: str, metadata: ImageMetadata, reason: Reason | None) -> MetadataOfImage:
    return MetadataOfImage(sha256=sha256, **asdict(metadata), reason=reason)
