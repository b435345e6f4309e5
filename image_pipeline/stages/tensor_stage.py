"""Stages that compute one row for each decoded image, once per content."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from image_pipeline.errors import StoreError
from image_pipeline.progress import Counter
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.rows import ContentRow, DecodedContent
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.storage.cache import ContentCache, RowCache
from image_pipeline.storage.tensors import TensorRows, read_tensors, tensor_path

if TYPE_CHECKING:
    from image_pipeline.stages.models import Inference


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


def _copies(pixels: Mapping[str, str]) -> dict[str, list[str]]:
    """For the first content with each of the `pixels` (by sha256), the other contents with the same pixels."""
    first: dict[str, str] = {}
    copies: dict[str, list[str]] = {}
    for sha256 in sorted(pixels):
        original = first.setdefault(pixels[sha256], sha256)
        if original != sha256:
            copies.setdefault(original, []).append(sha256)
    return copies


C = TypeVar("C", bound=ContentRow)


def known_rows(cached: RowCache[C], spec: InputSpec, sha256s: Sequence[str]) -> dict[str, C]:
    """The cached rows of contents, looked up by sha256 first, and then by their pixels as input of `spec`.

    A row that is found by pixels is stored for the content that has it, too.
    """
    rows = cached.get(sha256s)
    return rows | cached.take_over(str(spec), [sha256 for sha256 in sha256s if sha256 not in rows])


@dataclass(frozen=True)
class PartitionRows(Generic[C]):
    """The rows of a partition's readable images; `computed` of them were computed now, the others were cached."""

    key: str
    rows: list[C]
    computed: int


@dataclass(frozen=True, kw_only=True)
class TensorStage(StageDeclaration[C]):
    """A stage that reads the tensors of `decoded_tensors`; its rows are cached under its version.

    A row is looked up by the content first, and by its pixels second: if only the metadata in a file has changed, its
    picture is not computed again. `input` returns the input specification of its images, None if the stage is switched
    off. `compute` yields the rows of images in batches, in the order of the images.
    """

    input: Callable[["Inference"], InputSpec | None]
    compute: Callable[["Inference", UnseenImages], Iterator[Sequence[C]]]

    def rows(
        self, models: "Inference", cache: ContentCache, partitions: Mapping[str, DecodedPartition]
    ) -> Iterator[PartitionRows[C]]:
        """The rows of each of `partitions` (by key); there are none if the stage is switched off.

        Of several contents with the same pixels, one is computed. Small partitions share batches. Each batch is cached
        as soon as it is computed, so that a run that ends early loses at most one. Raises StoreError if an image that
        is not cached no longer has a tensor, and ModelError if the model cannot be loaded or returns values that are
        not finite.
        """
        version, spec = self.version(models), self.input(models)
        if version is None or spec is None:
            yield from (PartitionRows(key, [], 0) for key in partitions)
            return
        cached = RowCache(cache, self.row, version)
        readable = list(dict.fromkeys(sha256 for one in partitions.values() for sha256 in one.readable))
        rows = known_rows(cached, spec, readable)
        copies = _copies(cache.pixels(str(spec), [sha256 for sha256 in readable if sha256 not in rows]))
        copied = {copy for others in copies.values() for copy in others}
        unseen = unseen_images(partitions.values(), spec, rows.keys() | copied)
        counter = Counter(self.stage, len(unseen))
        for batch in self.compute(models, unseen):
            made = [replace(row, sha256=one) for row in batch for one in (row.sha256, *copies.get(row.sha256, ()))]
            cached.put(made)
            rows.update((row.sha256, row) for row in made)
            counter.advance(len(batch))
        for key, partition, computed in shares(partitions, unseen.sha256s):
            yield PartitionRows(key, [rows[sha256] for sha256 in partition.readable], computed)
