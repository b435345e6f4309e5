"""The captions of some partitions: each content once, from its tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from image_pipeline.progress import Counter
from image_pipeline.schema.rows import ImageCaption
from image_pipeline.stages.unseen import DecodedPartition, unseen_images
from image_pipeline.storage.content import RowCache

if TYPE_CHECKING:
    from image_pipeline.inference.captioner import Captioner


@dataclass(frozen=True)
class CaptionedImages:
    """The captions by content; those of `computed` went through the model now, the others were known."""

    rows: dict[str, ImageCaption]
    computed: frozenset[str]


def caption_images(
    captioner: "Captioner | None", cache: RowCache[ImageCaption], partitions: Sequence[DecodedPartition]
) -> CaptionedImages:
    """The captions of the readable images of `partitions`; without a captioner there are none.

    Each batch is kept in the cache as soon as it is computed, so that a run that ends early loses one at most.
    Raises StoreError where an image that the model has not seen has no tensor any more, and ModelError where the
    model cannot be loaded, or gives what is no number.
    """
    if captioner is None:
        return CaptionedImages({}, frozenset())
    rows = cache.get(list(dict.fromkeys(sha256 for partition in partitions for sha256 in partition.readable)))
    unseen = unseen_images(partitions, captioner.producer.input, rows)
    counter = Counter("captions", len(unseen))
    for batch, captions in captioner.caption_batches(unseen):
        sha256s = unseen.sha256s[batch]
        written = [ImageCaption(s, c.text, c.confidence) for s, c in zip(sha256s, captions, strict=True)]
        cache.put(written)
        rows.update((row.sha256, row) for row in written)
        counter.advance(len(sha256s))
    return CaptionedImages(rows, frozenset(unseen.sha256s))
