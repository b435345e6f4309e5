"""The messages between the process of the models and those that receive requests. They are pickled: both are ours."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from image_pipeline.api_keys import Keys
from image_pipeline.errors import PipelineError
from image_pipeline.inference.wire import Capabilities, ServiceLimits


class Kind(StrEnum):
    """What a receiver orders.

    The content of an order is: for `TEXTS`, the texts; for `EMBED` and `CAPTION`, where the images begin in the shared
    memory, and their shape; for `DECODE`, the arguments of `begin_decoding`, and each file has an answer of its own,
    with consecutive numbers; otherwise None. `ABANDON` says that the order of this number is not needed any more. That
    order is answered all the same, once.
    """

    TEXTS = "texts"
    EMBED = "embed"
    CAPTION = "caption"
    DECODE = "decode"
    FIGURES = "figures"
    ABANDON = "abandon"


@dataclass(frozen=True)
class Setup:
    """The first message to a receiver. `row` is its row in the table of waiting images, which has `rows`.

    `traces` is the address of the collector of traces, if there is one.
    """

    limits: ServiceLimits
    keys: Keys
    row: int
    rows: int
    traces: str | None


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


class RelayedError(PipelineError):
    """An error of the models: its sentence, and whether it is transient."""

    def __init__(self, message: str, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient

    def __reduce__(self) -> "tuple[type[RelayedError], tuple[str, bool]]":
        return RelayedError, (self.args[0], self.transient)
