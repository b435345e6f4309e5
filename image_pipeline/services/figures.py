"""The figures of an inference service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """The state of a service: whether it is ready, the images that wait, and by model the images and batches run."""

    is_ready: bool
    waiting: int
    images: dict[str, int]
    batches: dict[str, int]
