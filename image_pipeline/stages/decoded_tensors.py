"""The tensors of images: each content is decoded once, in worker processes, into tensor files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

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
from image_pipeline.stages.unseen import DecodedPartition
from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.content import RowCache
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
    """The rows of a partition, one for each content; `decoded` of them were decoded now, the others were known.

    `maker` names the run, and its attempt, whose tensors they are; it is the table's note.
    """

    rows: list[DecodedContent]
    decoded: int
    maker: str


@dataclass(frozen=True)
class Decoder:
    """Decodes images in the processes of `pool`, into tensor files of `store`, one file for each of `specs`.

    `cache` holds the successes of this version of the decoder, which stay valid whatever the limits become, and
    `failures` what there is no use in trying once more. `damaged` says what becomes of damaged pictures.
    """

    pool: WorkerPool
    store: Store
    cache: RowCache[DecodedContent]
    failures: Failures
    specs: Sequence[InputSpec]
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
        """A decoder whose cache and failures are in a store's `cache` and `ledger`, for files within `limits`."""
        version = decoder_version()
        for older in older_decoder_versions():
            cache.take_over_successes(older, version, new_column="damaged")
        # a damaged picture is a failure or a success, as the setting has it
        attempted = version if damaged is Damaged.INDEX else f"{version} damaged: {damaged}"
        failures = ledger.failures(Stage.DECODED_TENSORS, attempted, limits)
        return cls(pool, store, RowCache(cache, DecodedContent, version), failures, specs, damaged)

    def decode(
        self,
        partition_key: str,
        sources: Mapping[str, LibraryFile],
        wanted: Collection[str],
        run_id: str,
        attempt: int = 0,
    ) -> DecodedImages:
        """Decode the contents `sources` that no worker has seen yet, and those that a stage is still to see (`wanted`).

        One whose thumbnail was deleted is decoded for it once more.
        The wanted ones get a row in new tensor files, in a directory of the run and its `attempt` (0 is the first): no
        two runs share one. What earlier attempts made of the partition is deleted: another directory made them fail.
        """
        *earlier, maker = (f"{run_id}-{number}" for number in range(attempt + 1))
        for failed_attempt in earlier:
            release_tensors(self.store.tensor_directory(partition_key, failed_attempt))
        directory = self.store.tensor_directory(partition_key, maker)
        rows, tasks = self._known(sources, wanted)
        row_of = {task.key: task.row for task in tasks}
        counter = Counter(Stage.DECODED_TENSORS, len(tasks))
        failed: dict[str, tuple[Reason, str]] = {}
        with new_tensor_files(directory, self.specs, sum(row is not None for row in row_of.values())) as outputs:
            for outcome in self.pool.decode(tasks, outputs):
                sha256 = outcome.key
                if not isinstance(outcome, DecodeFailure):
                    rows[sha256] = self._row(
                        sha256, row=row_of[sha256], decode_path=outcome.decode_path, damaged=outcome.damaged
                    )
                elif sha256 in rows:
                    pass  # it was decoded before, and now for its thumbnail alone
                elif not sources[sha256].is_unchanged():
                    # also where the worker was ended, which then says nothing of it
                    rows[sha256] = self._row(sha256, reason=Reason.UNREADABLE, message=CHANGED)
                else:
                    rows[sha256] = self._row(sha256, reason=outcome.reason, message=outcome.message)
                    if outcome.reason is not Reason.UNREADABLE:  # which is tried again in each run
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
        return DecodedImages([rows[sha256] for sha256 in sources], len(tasks), maker)

    def _known(
        self, sources: Mapping[str, LibraryFile], wanted: Collection[str]
    ) -> tuple[dict[str, DecodedContent], list[DecodeTask]]:
        """The rows of the contents that are known, by sha256, and what is to be decoded.

        A content that is in both is decoded for its thumbnail alone, which was deleted.
        """
        known = self.cache.get(list(sources))
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
                    continue
            tasks.append(DecodeTask(sha256, source, next_row if is_wanted else None, thumbnail))
            next_row += is_wanted
        return rows, tasks

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
    """A partition as it was decoded. Raises StoreError if it was not."""
    rows, maker = tables.read_noted(DecodedContent, partition_key)
    return DecodedPartition(tables.store.tensor_directory(partition_key, maker), rows)


def release_decoded(tables: StageTables, partition_key: str) -> None:
    """Delete the tensors of a partition, once all that reads them is done."""
    release_tensors(read_decoded(tables, partition_key).directory)
