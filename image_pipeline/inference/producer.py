"""Producers of values: a model with its weights, its input and the way in which it computes."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.settings import DType


class ProducerKind(StrEnum):
    """The result that a producer computes from an image."""

    EMBEDDING = "embedding"
    CAPTION = "caption"


@dataclass(frozen=True)
class Generation:
    """How a caption is generated: at most `max_new_tokens` tokens, by beam search (greedy search if `beams` is 1)."""

    max_new_tokens: int = 20
    beams: int = 1

    def __str__(self) -> str:
        """The form in a producer's text: `20-tokens-1-beam`."""
        return f"{self.max_new_tokens}-tokens-{self.beams}-beam{'' if self.beams == 1 else 's'}"


@dataclass(frozen=True)
class Producer:
    """A model as configured. Two runs with equal producers may share results; unequal producers never do.

    `revision` is the commit of a Hugging Face repository, or the sha256 of a local directory's files. `dtype` is the
    setting, not the format that it selects on this machine: `auto` is the same producer on every device, so that a
    machine without bf16 does not compute known results again. `dimension` is the length of the vectors, for embeddings
    only; `generation` is how captions are generated, for captions only.
    """

    kind: ProducerKind
    model: str
    revision: str
    input: InputSpec
    dtype: DType
    dimension: int | None = None
    generation: Generation | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the fields do not match the kind."""
        embeds = self.kind is ProducerKind.EMBEDDING
        if embeds != (self.dimension is not None) or embeds != (self.generation is None):
            raise ValueError("an embedding producer has a dimension, a caption producer has generation settings")

    def __str__(self) -> str:
        """The text form, with every field that affects a result; identifies collection versions and cache entries."""
        parts = [f"{self.kind} {self.model}@{self.revision}", str(self.input), str(self.dtype)]
        if self.generation is not None:
            parts.append(str(self.generation))
        return " ".join(parts)

    @property
    def short_hash(self) -> str:
        """The first 8 hexadecimal digits of the text form's sha256, for use in file and collection names."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:8]
