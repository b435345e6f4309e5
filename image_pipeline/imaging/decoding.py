"""The decoding of a partition: each content once, in worker processes, into tensor files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.opening import LibraryFile
from image_pipeline.imaging.opening import CHANGED
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.imaging.reason import Reason
from image_pipeline.imaging.spec import InputSpec
from image_pipeline.progress import Counter
from image_pipeline.storage.content import RowCache
from image_pipeline.storage.rows import DecodedImage
from image_pipeline.storage.store import Store
from image_pipeline.storage.tensors import create_tensor_files

_NOT_KEPT = frozenset({Reason.UNREADABLE})


@dataclass(frozen=True)
class DecodedImages:
    """The rows of a partition, one a content; `decoded` of them were decoded now, the others were known."""

    rows: list[DecodedImage]
    decoded: int


def decode_images(
    pool: WorkerPool,
    cache: RowCache[DecodedImage],
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
    two runs share a directory. A content that is known to be no readable image is not tried again: `decoder` names
    the decoder's version and its limits, and the cache is kept by it.
    """
    known = cache.get(list(sources))
    rows: dict[str, DecodedImage] = {}
    tasks = []
    next_row = 0
    for sha256, source in sources.items():
        before = known.get(sha256)
        is_wanted = sha256 in wanted and (before is None or before.reason is None)
        is_complete = before is not None and (before.reason is not None or store.thumbnail_file(sha256).exists())
        if before is not None and is_complete and not is_wanted:
            rows[sha256] = before
            continue
        tasks.append(DecodeTask(sha256, source, next_row if is_wanted else None, store.thumbnail_file(sha256)))
        next_row += is_wanted
    outputs = create_tensor_files(directory, specs, next_row)
    counter = Counter("decoded_tensors", len(tasks))
    row_of = {task.key: task.row for task in tasks}
    decoded_before = {sha256: row for sha256, row in known.items() if row.reason is None}
    for outcome in pool.decode(tasks, outputs):
        sha256 = outcome.key
        if isinstance(outcome, DecodeFailure) and sha256 in decoded_before and row_of[sha256] is None:
            row = decoded_before[sha256]  # it was wanted for its thumbnail alone
        elif isinstance(outcome, DecodeFailure) and not sources[sha256].is_unchanged():
            # also where the worker was ended, which then says nothing of it
            row = DecodedImage(sha256, None, None, decoder, Reason.UNREADABLE, CHANGED)
        elif isinstance(outcome, DecodeFailure):
            row = DecodedImage(sha256, None, None, decoder, outcome.reason, outcome.message)
        else:
            row = DecodedImage(sha256, row_of[sha256], outcome.decode_path, decoder, None, None)
        rows[sha256] = row
        counter.advance()
    cache.put(
        DecodedImage(row.sha256, None, row.decode_path, decoder, row.reason, row.message)
        for sha256, row in rows.items()
        if sha256 in row_of and row.reason not in _NOT_KEPT
    )
    return DecodedImages([rows[sha256] for sha256 in sources], len(tasks))
