"""Unseen images: those that a model has not processed yet, from several partitions."""

from bisect import bisect_right
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np

from image_pipeline.errors import StoreError
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.rows import DecodedContent
from image_pipeline.storage.tensors import TensorRows, read_tensors, tensor_path


@dataclass(frozen=True)
class DecodedPartition:
    """A decoded partition: its rows, and the directory that holds their tensors."""

    directory: Path
    rows: Sequence[DecodedContent]

    @property
    def readable(self) -> list[str]:
        """The contents that were decoded, without those in quarantine."""
        return [row.sha256 for row in self.rows if row.reason is None]


def shares(
    partitions: Mapping[str, DecodedPartition], computed: Collection[str]
) -> Iterator[tuple[str, DecodedPartition, int]]:
    """Each partition, with its number of `computed` contents; a shared content counts for the first partition only."""
    uncounted = set(computed)
    for key, partition in partitions.items():
        own = uncounted.intersection(partition.readable)
        uncounted -= own
        yield key, partition, len(own)


class UnseenImages:
    """Images of several partitions as one sequence, in the order of `sha256s`; small directories share batches."""

    def __init__(self, parts: Sequence[tuple[Sequence[str], TensorRows]]) -> None:
        self.sha256s = [sha256 for sha256s, _ in parts for sha256 in sha256s]
        self._parts = [images for _, images in parts]
        self._starts = [0, *accumulate(len(images) for images in self._parts)]

    def __len__(self) -> int:
        return len(self.sha256s)

    def __getitem__(self, part: slice) -> np.ndarray:
        """The images of a slice, in memory: uint8 `[n, 3, height, width]`."""
        at, stop, _ = part.indices(len(self))
        pieces = []
        while at < stop:
            index = bisect_right(self._starts, at) - 1
            end = min(stop, self._starts[index + 1])
            pieces.append(self._parts[index][at - self._starts[index] : end - self._starts[index]])
            at = end
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def unseen_images(partitions: Iterable[DecodedPartition], spec: InputSpec, seen: Container[str]) -> UnseenImages:
    """The readable images of `partitions` that are not in `seen`, each content once.

    Raises StoreError if one of them has no tensor, for example because it was deleted.
    """
    taken: set[str] = set()
    parts = []
    for partition in partitions:
        unseen = [
            row for row in partition.rows if row.reason is None and row.sha256 not in seen and row.sha256 not in taken
        ]
        taken.update(row.sha256 for row in unseen)
        rows = [row.row for row in unseen if row.row is not None]
        if len(rows) < len(unseen):
            raise StoreError(
                f"{tensor_path(partition.directory, spec)} lacks {len(unseen) - len(rows)} of the images that this "
                "asset needs: materialize decoded_tensors together with this asset."
            )
        if unseen:
            parts.append(([row.sha256 for row in unseen], read_tensors(partition.directory, spec, rows)))
    return UnseenImages(parts)
