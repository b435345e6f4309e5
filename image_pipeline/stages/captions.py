"""The captions of images, computed from their tensors, once per content."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from image_pipeline.schema.rows import ImageCaption, Stage
from image_pipeline.stages.tensor_stage import TensorStage, UnseenImages

if TYPE_CHECKING:
    from image_pipeline.stages.models import Inference


def _compute(models: "Inference", images: UnseenImages) -> Iterator[list[ImageCaption]]:
    assert models.captioner is not None, "a stage that is switched off computes nothing"
    for batch, captions in models.captioner.caption_batches(images):
        pairs = zip(images.sha256s[batch], captions, strict=True)
        yield [ImageCaption(sha256, caption.text, caption.confidence) for sha256, caption in pairs]


def _payload(row: ImageCaption) -> dict[str, Any]:
    return {**row.payload(), "caption_confidence": round(row.confidence, 4)}


STAGE = TensorStage(
    row=ImageCaption,
    reads=(Stage.DECODED_TENSORS,),
    version=lambda models: str(models.caption_producer) if models.caption_producer else None,
    doing="captioning",
    payload=_payload,
    producer_field="caption_producer",
    input=lambda models: models.caption_producer.input if models.caption_producer else None,
    compute=_compute,
)
