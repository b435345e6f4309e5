"""The JSON of the inference service's requests and answers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from image_pipeline.http_problem import Problem

Vector = Annotated[list[float], Field(description="The embedding: numbers of a vector of unit length.")]


class _Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Texts(_Exact):
    """Texts to embed."""

    texts: Annotated[list[str], Field(min_length=1, description="Each is cut off at the model's context length.")]


class Vectors(_Exact):
    """The embeddings of all texts, or all images of an array, in their order."""

    producer: Annotated[str, Field(description="The producer of the embeddings, as it is stored with them.")]
    vectors: list[Vector]


class ImageCaption(_Exact):
    """A caption, and the mean probability that the model gives its words (0 to 1)."""

    text: str
    confidence: float


class ImageResult(_Exact):
    """The results of one image, or the reason why it has none."""

    vector: Vector | None = None
    caption: ImageCaption | None = None
    error: Problem | None = None


class ImageResults(_Exact):
    """One result for each image, in their order; the producers of embeddings and captions, as they are stored."""

    embedding_producer: str | None = None
    caption_producer: str | None = None
    results: list[ImageResult]


class Health(_Exact):
    """Whether the service is alive, or ready."""

    status: str
