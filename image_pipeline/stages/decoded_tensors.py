"""The decoding of a partition: each content once, in worker processes, into tensor files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.open_file import LibraryFile
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.imaging.source_file import CHANGED
from image_pipeline.progress import Counter
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.reason import Reason
from image_pipeline.schema.rows import DecodedContent
from image_pipeline.storage.content import RowCache
from image_pipeline.storage.failures import Failures
from image_pipeline.storage.store import Store
from image_pipeline.storage.tensors import new_tensor_files


@dataclass(frozen=True)
class DecodedImages:
    """The rows of a partition, one a content; `decoded` of them were decoded now, the others were known."""

    rows: list[DecodedContent]
    decoded: int


def decode_images(
    pool: WorkerPool,
    cache: RowCache[DecodedContent],
    failures: Failures,
    store: Store,
    directory: Path,
    sources: Mapping[str, LibraryFile],
    wanted: Collection[str],
    specs: Sequence[InputSpec],
    decoder: str,
) -> DecodedImages:
    """Decode the contents `sources` that no worker has seen yet, and those that a model is still to see (`wanted`).

    One whose thumbnail was deleted is decoded for it once more.
    The wanted ones get a row in the tensor files of `directory`, one file for each of `specs`, which are made anew: no
    two runs share a directory. `cache` holds the successes of `decoder`, which stay valid whatever the limits become,
    and `failures` what there is no use in trying once more.
    """
    known = cache.get(list(sources))
    standing = failures.standing([sha256 for sha256 in sources if sha256 in wanted or sha256 not in known])
    rows: dict[str, DecodedContent] = {}
    tasks = []
    next_row = 0
    for sha256, source in sources.items():
        failure = standing.get(sha256)
        is_wanted = sha256 in wanted
        if failure is not None:
            rows[sha256] = DecodedContent(sha256, None, None, decoder, failure.reason, failure.message)
        elif sha256 in known and not is_wanted and store.thumbnail_file(sha256).exists():
            rows[sha256] = known[sha256]
        else:
            tasks.append(DecodeTask(sha256, source, next_row if is_wanted else None, store.thumbnail_file(sha256)))
            next_row += is_wanted
    counter = Counter("decoded_tensors", len(tasks))
    row_of = {task.key: task.row for task in tasks}
    failed: dict[str, tuple[Reason, str]] = {}
    with new_tensor_files(directory, specs, next_row) as outputs:
        for outcome in pool.decode(tasks, outputs):
            sha256 = outcome.key
            if isinstance(outcome, DecodeFailure) and sha256 in known and row_of[sha256] is None:
                row = known[sha256]  # it was wanted for its thumbnail alone
            elif isinstance(outcome, DecodeFailure) and not sources[sha256].is_unchanged():
                # also where the worker was ended, which then says nothing of it
                row = DecodedContent(sha256, None, None, decoder, Reason.UNREADABLE, CHANGED)
            elif isinstance(outcome, DecodeFailure):
                row = DecodedContent(sha256, None, None, decoder, outcome.reason, outcome.message)
                if outcome.reason is not Reason.UNREADABLE:  # which is tried again in each run
                    failed[sha256] = outcome.reason, outcome.message
            else:
                row = DecodedContent(sha256, row_of[sha256], outcome.decode_path, decoder, None, None)
            rows[sha256] = row
            counter.advance()
    decoded = [rows[sha256] for sha256 in row_of if rows[sha256].reason is None]
    cache.put(DecodedContent(row.sha256, None, row.decode_path, decoder, None, None) for row in decoded)
    failures.record(failed, [row.sha256 for row in decoded])
    return DecodedImages([rows[sha256] for sha256 in sources], len(tasks))
