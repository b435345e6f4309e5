"""The messages between the process of the models and those that receive requests. They are pickled: both are ours."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from image_pipeline.api.keys import Keys
from image_pipeline.inference.wire import Capabilities, ServiceLimits


class Kind(StrEnum):
    """What a receiver orders. The content of an order is given for each."""

    TEXTS = "texts"
    """The texts."""
    EMBED = "embed"
    """The beginning of the images in the shared memory, and their shape."""
    CAPTION = "caption"
    """The same."""
    DECODE = "decode"
    """Arguments of `begin_decoding`. Each file has an answer, with consecutive numbers."""
    FIGURES = "figures"
    """Nothing."""
    ABANDON = "abandon"
    """Nothing: the order of this number is not needed any more. It is answered all the same, once."""


@dataclass(frozen=True)
class Setup:
    """The first message to a receiver. `row` is its row in the table of waiting images, which has `rows`."""

    limits: ServiceLimits
    keys: Keys
    row: int
    rows: int


@dataclass(frozen=True)
class Ready:
    """To a receiver: the models are loaded."""

    capabilities: Capabilities


@dataclass(frozen=True)
class End:
    """To a receiver: finish the requests that were taken, and end."""


@dataclass(frozen=True)
class Order:
    """To the models."""

    number: int
    kind: Kind
    content: Any = None


@dataclass(frozen=True)
class Answer:
    """To a receiver: the result of an order, or the error that it ended with."""

    number: int
    value: Any = None
    error: Exception | None = None
