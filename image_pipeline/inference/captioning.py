"""The captions of a partition: each content once, from its tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from image_pipeline.inference.unseen import unseen_images
from image_pipeline.progress import Counter
from image_pipeline.storage.content import RowCache
from image_pipeline.storage.rows import DecodedImage, ImageCaption

if TYPE_CHECKING:
    from image_pipeline.inference.captioner import Captioner


@dataclass(frozen=True)
class CaptionedImages:
    """The rows of a partition, one a decoded content; `computed` of them went through the model now."""

    rows: list[ImageCaption]
    computed: int

    @property
    def mean_confidence(self) -> float:
        """The mean of the captions' confidences; 0 where there is none."""
        return round(fmean(row.confidence for row in self.rows), 3) if self.rows else 0.0


def caption_images(
    captioner: "Captioner | None",
    cache: RowCache[ImageCaption],
    directory: Path,
    decoded: Sequence[DecodedImage],
) -> CaptionedImages:
    """The captions of the images `decoded`; those in quarantine have none. `directory` holds their tensors.

    Without a captioner there are no captions.
    Each batch is kept in the cache as soon as it is computed, so that a run that ends early loses one at most.
    Raises StoreError where an image that the model has not seen has no tensor any more, and ModelError where the
    model cannot be loaded.
    """
    if captioner is None:
        return CaptionedImages([], 0)
    readable = [image.sha256 for image in decoded if image.reason is None]
    rows = cache.get(readable)
    unseen = unseen_images(directory, captioner.producer.input, decoded, rows)
    counter = Counter("captions", len(unseen))
    for batch, captions in captioner.caption_batches(unseen.images) if unseen.images is not None else ():
        sha256s = unseen.sha256s[batch]
        written = [ImageCaption(s, c.text, c.confidence) for s, c in zip(sha256s, captions, strict=True)]
        cache.put(written)
        rows.update((row.sha256, row) for row in written)
        counter.advance(len(sha256s))
    return CaptionedImages([rows[sha256] for sha256 in readable], len(unseen))
