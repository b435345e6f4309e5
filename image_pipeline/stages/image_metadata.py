"""The metadata of photographs: each content is read once, in worker processes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from image_pipeline.files.open_file import LibraryFile
from image_pipeline.imaging.metadata import metadata_version
from image_pipeline.imaging.pool import MetadataTask, WorkerPool
from image_pipeline.progress import Counter
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason
from image_pipeline.schema.payload import payload_of_metadata
from image_pipeline.schema.rows import MetadataOfImage, Stage
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.stages.file_facts import file_facts_version
from image_pipeline.storage.cache import ContentCache, RowCache
from image_pipeline.storage.failures import Failures
from image_pipeline.storage.ledger import Ledger


@dataclass(frozen=True)
class ReadMetadata:
    """The rows of a partition, one per content; `read` of them were read now, the others were known before."""

    rows: list[MetadataOfImage]
    read: int


@dataclass(frozen=True)
class MetadataReader:
    """Reads metadata in the processes of `pool`; `cache` and `failures` are those of this version of the reader.

    A content whose metadata could not be read gets an empty row with the reason, and is tried again when `failures`
    says so.
    """

    pool: WorkerPool
    cache: RowCache[MetadataOfImage]
    failures: Failures

    @classmethod
    def of(cls, pool: WorkerPool, cache: ContentCache, ledger: Ledger, limits: DecodeLimits) -> "MetadataReader":
        """A reader that uses the `cache` of a store, and the failures in its `ledger` under these `limits`."""
        version = metadata_version()
        failures = ledger.failures(Stage.IMAGE_METADATA, version, limits)
        return cls(pool, RowCache(cache, MetadataOfImage, version), failures)

    def read(self, sources: Mapping[str, LibraryFile]) -> ReadMetadata:
        """Read the metadata of `sources` (by sha256); the rows are in the same order."""
        rows = self.cache.get(list(sources))
        for failure in self.failures.standing([sha256 for sha256 in sources if sha256 not in rows]).values():
            rows[failure.sha256] = _row(failure.sha256, ImageMetadata(), failure.reason)
        tasks = [MetadataTask(sha256, source) for sha256, source in sources.items() if sha256 not in rows]
        counter = Counter(Stage.IMAGE_METADATA, len(tasks))
        lasting: list[MetadataOfImage] = []
        failed: dict[str, tuple[Reason, str]] = {}
        for outcome in self.pool.read_metadata(tasks):
            row = rows[outcome.key] = _row(outcome.key, outcome.metadata, outcome.reason)
            if outcome.reason is not None:
                failed[row.sha256] = outcome.reason, outcome.message
            else:
                lasting.append(row)
            counter.advance()
        self.cache.put(lasting)
        self.failures.record(failed, [row.sha256 for row in lasting])
        return ReadMetadata([rows[sha256] for sha256 in sources], len(tasks))


def _row(sha256: str, metadata: ImageMetadata, reason: Reason | None) -> MetadataOfImage:
    return MetadataOfImage(sha256=sha256, **asdict(metadata), reason=reason)


STAGE = StageDeclaration(
    row=MetadataOfImage,
    reads=(Stage.CONTENT_HASHES,),
    version=lambda models: f"{metadata_version()} {file_facts_version()}",
    doing="reading metadata",
    payload=payload_of_metadata,
)
