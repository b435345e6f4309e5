"""The embeddings of images, computed from their tensors, once per content."""

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from image_pipeline.schema.rows import Embedding, Stage
from image_pipeline.stages.tensor_stage import TensorStage, UnseenImages

if TYPE_CHECKING:
    from image_pipeline.stages.models import Inference


def _compute(models: "Inference", images: UnseenImages) -> Iterator[list[Embedding]]:
    for batch, vectors in models.embedder.embed_batches(images):
        yield rows_of(images.sha256s[batch], vectors)


def rows_of(sha256s: Sequence[str], vectors: np.ndarray) -> list[Embedding]:
    """One row for each of `sha256s`, from `vectors`, float32 `[n, d]`. Raises ValueError if their numbers differ."""
    pairs = zip(sha256s, vectors.astype(np.float32, copy=False), strict=True)
    return [Embedding(sha256, array("f", vector.tobytes())) for sha256, vector in pairs]


STAGE = TensorStage(
    row=Embedding,
    reads=(Stage.DECODED_TENSORS,),
    version=lambda models: str(models.embedding_producer),
    doing="embedding",
    producer_field="embedding_producer",
    input=lambda models: models.embedding_producer.input,
    compute=_compute,
)
