"""The tensors of images: each content is decoded once, in worker processes, into tensor files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from image_pipeline.files.open_file import LibraryFile
from image_pipeline.imaging.decode import decoder_version, older_decoder_versions
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.imaging.source_file import CHANGED
from image_pipeline.progress import Counter
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason
from image_pipeline.schema.rows import DecodedContent, Stage
from image_pipeline.settings import Damaged
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.stages.tensor_stage import DecodedPartition
from image_pipeline.storage.cache import ContentCache, RowCache
from image_pipeline.storage.failures import Failures
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables
from image_pipeline.storage.tensors import new_tensor_files, release_tensors

STAGE = StageDeclaration(
    row=DecodedContent,
    reads=(Stage.CONTENT_HASHES,),
    version=lambda models: decoder_version(),
    doing="decoding",
)


@dataclass(frozen=True)
class DecodedImages:
    """The rows of a partition, one per content; `decoded` of them were decoded now, the others were known before.

    `maker` names the run and attempt that wrote the tensors; it is stored as the table's note.
    """

    rows: list[DecodedContent]
    decoded: int
    maker: str


@dataclass(frozen=True)
class Decoder:
    """Decodes images in the processes of `pool`, into tensor files of `store`, one file for each of `specs`.

    `cache` holds the successes of this version of the decoder, which stay valid when the limits change. `failures`
    holds the failures, and knows which of them to try again. `contents` notes the pixels of each content that is
    decoded, as input for each of `specs`; the first of these identifies the picture in the rows. A content that an
    older version decoded, without noting its pixels, is decoded once more for them, so that no model runs if the
    metadata in the file are edited. `damaged` says what becomes of damaged pictures.
    """

    pool: WorkerPool
    store: Store
    cache: RowCache[DecodedContent]
    failures: Failures
    specs: Sequence[InputSpec]
    contents: ContentCache
    damaged: Damaged = Damaged.INDEX

    @classmethod
    def of(
        cls,
        pool: WorkerPool,
        store: Store,
        cache: ContentCache,
        ledger: Ledger,
        limits: DecodeLimits,
        specs: Sequence[InputSpec],
        damaged: Damaged = Damaged.INDEX,
    ) -> "Decoder":
        """A decoder that uses the `cache` of a store, and the failures in its `ledger` under these `limits`."""
        version = decoder_version()
        for older in older_decoder_versions():
            cache.take_over_successes(older, version)
        # a damaged picture is a failure or a success, as the setting has it
        attempted = version if damaged is Damaged.INDEX else f"{version} damaged: {damaged}"
        failures = ledger.failures(Stage.DECODED_TENSORS, attempted, limits)
        return cls(pool, store, RowCache(cache, DecodedContent, version), failures, specs, cache, damaged)

    def decode(
        self,
        partition_key: str,
        sources: Mapping[str, LibraryFile],
        wanted: Collection[str],
        run_id: str,
        attempt: int = 0,
    ) -> DecodedImages:
        """Decode those `sources` (by sha256) that were never decoded, that are `wanted`, or that lack a thumbnail or
        their pixels.

        `wanted` are the contents that some stage has not processed yet. They get a row in new tensor files, in a
        directory that only this run and `attempt` (0 is the first) use. The partition's tensors from earlier attempts
        are deleted: such an attempt finished this partition, and failed at a later one.
        """
        *earlier, maker = (f"{run_id}-{number}" for number in range(attempt + 1))
        for failed_attempt in earlier:
            release_tensors(self.store.tensor_directory(partition_key, failed_attempt))
        directory = self.store.tensor_directory(partition_key, maker)
        rows, tasks = self._known(sources, wanted)
        row_of = {task.key: task.row for task in tasks}
        counter = Counter(Stage.DECODED_TENSORS, len(tasks))
        failed: dict[str, tuple[Reason, str]] = {}
        without_pixels: list[str] = []
        pixels: dict[InputSpec, dict[str, str]] = {spec: {} for spec in self.specs}
        with new_tensor_files(directory, self.specs, sum(row is not None for row in row_of.values())) as outputs:
            for outcome in self.pool.decode(tasks, outputs, self.specs):
                sha256 = outcome.key
                if not isinstance(outcome, DecodeFailure):
                    rows[sha256] = self._row(
                        sha256, row=row_of[sha256], decode_path=outcome.decode_path, damaged=outcome.damaged
                    )
                    for spec, digest in zip(self.specs, outcome.digests, strict=True):
                        pixels[spec][sha256] = f"{digest}-{outcome.width}x{outcome.height}"
                elif sha256 in rows:
                    # it was decoded before, and this time only for its thumbnail or its pixels
                    if outcome.reason is not Reason.UNREADABLE and sources[sha256].is_unchanged():
                        without_pixels.append(sha256)
                elif not sources[sha256].is_unchanged():
                    # checked here, since a worker that was killed cannot report the change
                    rows[sha256] = self._row(sha256, reason=Reason.UNREADABLE, message=CHANGED)
                else:
                    rows[sha256] = self._row(sha256, reason=outcome.reason, message=outcome.message)
                    if outcome.reason is not Reason.UNREADABLE:  # an unreadable file is tried again in each run
                        failed[sha256] = outcome.reason, outcome.message
                counter.advance()
        decoded = [rows[sha256] for sha256 in row_of if rows[sha256].reason is None]
        self.cache.put(self._row(row.sha256, decode_path=row.decode_path, damaged=row.damaged) for row in decoded)
        if self.damaged is Damaged.QUARANTINE:
            for sha256, row in rows.items():
                if row.damaged is not None and row.reason is None:
                    failed[sha256] = Reason.CORRUPT, row.damaged
                    rows[sha256] = self._row(sha256, reason=Reason.CORRUPT, message=row.damaged)
        self.failures.record(failed, [row.sha256 for row in decoded if row.sha256 not in failed])
        for spec, noted in pixels.items():
            self.contents.put_pixels(str(spec), noted)
        self.contents.put_without_pixels(decoder_version(), without_pixels)
        return DecodedImages(self._identified([rows[sha256] for sha256 in sources]), len(tasks), maker)

    def _identified(self, rows: Sequence[DecodedContent]) -> list[DecodedContent]:
        """The rows with their `pixels`, as far as they are known."""
        readable = [row.sha256 for row in rows if row.reason is None]
        pixels = self.contents.pixels(str(self.specs[0]), readable) if self.specs else {}
        return [replace(row, pixels=pixels.get(row.sha256)) for row in rows]

    def _known(
        self, sources: Mapping[str, LibraryFile], wanted: Collection[str]
    ) -> tuple[dict[str, DecodedContent], list[DecodeTask]]:
        """The rows that are known already, by sha256, and the tasks for the workers.

        A content that is in both is decoded only for its missing thumbnail or its unknown pixels.
        """
        known = self.cache.get(list(sources))
        unidentified = self._unidentified(list(known))
        standing = self.failures.standing([sha256 for sha256 in sources if sha256 in wanted or sha256 not in known])
        rows: dict[str, DecodedContent] = {}
        tasks: list[DecodeTask] = []
        next_row = 0
        for sha256, source in sources.items():
            failure, thumbnail = standing.get(sha256), self.store.thumbnail_file(sha256)
            if failure is not None:
                rows[sha256] = self._row(sha256, reason=failure.reason, message=failure.message)
                continue
            is_wanted = sha256 in wanted
            if sha256 in known and not is_wanted:
                rows[sha256] = known[sha256]
                if thumbnail.exists():
                    if sha256 in unidentified:
                        tasks.append(DecodeTask(sha256, source))
                    continue
            tasks.append(DecodeTask(sha256, source, next_row if is_wanted else None, thumbnail))
            next_row += is_wanted
        return rows, tasks

    def _unidentified(self, sha256s: Sequence[str]) -> set[str]:
        """The contents whose pixels are unknown as input for a model, without those that this decoder cannot decode."""
        known = [self.contents.pixels(str(spec), sha256s).keys() for spec in self.specs]
        missing = {sha256 for sha256 in sha256s if not all(sha256 in keys for keys in known)}
        return missing - self.contents.without_pixels(decoder_version(), list(missing))

    @staticmethod
    def _row(
        sha256: str,
        row: int | None = None,
        decode_path: str | None = None,
        reason: Reason | None = None,
        message: str | None = None,
        damaged: str | None = None,
    ) -> DecodedContent:
        return DecodedContent(sha256, row, decode_path, decoder_version(), reason, message, damaged)


def read_decoded(tables: StageTables, partition_key: str) -> DecodedPartition:
    """The rows and the tensor directory of a decoded partition. Raises StoreError if it was not decoded."""
    rows, maker = tables.read_noted(DecodedContent, partition_key)
    return DecodedPartition(tables.store.tensor_directory(partition_key, maker), rows)


def release_decoded(tables: StageTables, partition_key: str) -> None:
    """Delete the tensors of a partition, after all stages that read them have run."""
    release_tensors(read_decoded(tables, partition_key).directory)
