"""What made a value: the model, its weights, what it was shown and how it computed."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.settings import DType


class ProducerKind(StrEnum):
    """What a producer makes of an image."""

    EMBEDDING = "embedding"
    CAPTION = "caption"


@dataclass(frozen=True)
class Generation:
    """How a caption is written: at most `max_new_tokens` tokens, by greedy search, or beam search of `beams` beams."""

    max_new_tokens: int = 20
    beams: int = 1

    def __str__(self) -> str:
        """The form that stands in a producer's text: `20-tokens-1-beam`."""
        return f"{self.max_new_tokens}-tokens-{self.beams}-beam{'' if self.beams == 1 else 's'}"


@dataclass(frozen=True)
class Producer:
    """A model as configured. Two runs with equal producers may share results; unequal producers never do.

    `revision` is the commit of a Hugging Face repository, or the sha256 of a local directory's files. `dtype` is the
    setting, not what it comes to on this machine: `auto` is one producer on every device, so that a result is not
    computed again because a machine without bf16 asks for it. `dimension` is the length of an embedding's vectors and
    `generation` is how captions are written; each is None for the other kind.
    """

    kind: ProducerKind
    model: str
    revision: str
    input: InputSpec
    dtype: DType
    dimension: int | None = None
    generation: Generation | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where the fields do not belong to the kind."""
        embeds = self.kind is ProducerKind.EMBEDDING
        if embeds != (self.dimension is not None) or embeds != (self.generation is None):
            raise ValueError("an embedding producer has a dimension, a caption producer has generation settings")

    def __str__(self) -> str:
        """The text form, which names versions and keys the content cache: every field that changes a result."""
        parts = [f"{self.kind} {self.model}@{self.revision}", str(self.input), str(self.dtype)]
        if self.generation is not None:
            parts.append(str(self.generation))
        return " ".join(parts)

    @property
    def short_hash(self) -> str:
        """The first 8 hexadecimal digits of the text form's sha256, fit for file and collection names."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:8]
