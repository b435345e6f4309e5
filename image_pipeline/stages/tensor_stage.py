"""Stages that compute one row for each decoded image, once per content."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from image_pipeline.progress import Counter
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.rows import ContentRow
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.stages.unseen import DecodedPartition, UnseenImages, shares, unseen_images
from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.content import RowCache

if TYPE_CHECKING:
    from image_pipeline.stages.models import Inference

C = TypeVar("C", bound=ContentRow)


@dataclass(frozen=True)
class PartitionRows(Generic[C]):
    """The rows of a partition's readable images; `computed` of them were computed now, the others were cached."""

    key: str
    rows: list[C]
    computed: int


@dataclass(frozen=True, kw_only=True)
class TensorStage(StageDeclaration[C]):
    """A stage that reads the tensors of `decoded_tensors`; its rows are cached under its version.

    `input` returns the input specification of its images, None if the stage is switched off. `compute` yields the rows
    of images in batches, in the order of the images.
    """

    input: Callable[["Inference"], InputSpec | None]
    compute: Callable[["Inference", UnseenImages], Iterator[Sequence[C]]]

    def rows(
        self, models: "Inference", cache: ContentCache, partitions: Mapping[str, DecodedPartition]
    ) -> Iterator[PartitionRows[C]]:
        """The rows of each of `partitions` (by key); there are none if the stage is switched off.

        Small partitions share batches. Each batch is cached as soon as it is computed, so that a run that ends early
        loses at most one. Raises StoreError if an image that is not cached no longer has a tensor, and ModelError if
        the model cannot be loaded or returns values that are not finite.
        """
        version, spec = self.version(models), self.input(models)
        if version is None or spec is None:
            yield from (PartitionRows(key, [], 0) for key in partitions)
            return
        cached = RowCache(cache, self.row, version)
        rows = cached.get(list(dict.fromkeys(sha256 for one in partitions.values() for sha256 in one.readable)))
        unseen = unseen_images(partitions.values(), spec, rows)
        counter = Counter(self.stage, len(unseen))
        for batch in self.compute(models, unseen):
            cached.put(batch)
            rows.update((row.sha256, row) for row in batch)
            counter.advance(len(batch))
        for key, partition, computed in shares(partitions, unseen.sha256s):
            yield PartitionRows(key, [rows[sha256] for sha256 in partition.readable], computed)
