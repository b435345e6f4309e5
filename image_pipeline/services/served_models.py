"""What an inference service offers to its interface, in the process of the models or in another."""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from image_pipeline.inference.runner import Result
from image_pipeline.inference.wire import Capabilities, ServiceLimits
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.services.waiting import Waiting
from image_pipeline.storage.tensors import tensor_path


@dataclass(frozen=True)
class Figures:
    """The state of a service: whether it is ready, the images that wait, and by model the images and batches run."""

    is_ready: bool
    waiting: int
    images: dict[str, int]
    batches: dict[str, int]


class ServedModels(Protocol):
    """The models of an inference service: see `ModelService`."""

    limits: ServiceLimits
    waiting: Waiting

    @property
    def is_ready(self) -> bool:
        """Whether the models are loaded."""

    @property
    def capabilities(self) -> Capabilities:
        """What the service offers. Raises ModelError before the models are loaded."""

    def figures(self) -> "Future[Figures]":
        """The state of the service now."""

    def receiving(self, length: int) -> AbstractContextManager[memoryview]:
        """Memory for a body of `length` bytes, for the length of the block. Raises BusyError if there is none."""

    def embed_texts(self, texts: Sequence[str]) -> Result:
        """The vectors of texts: a future of float32 `[n, d]`."""

    def embed(self, images: np.ndarray) -> Result:
        """The vectors of images, uint8 `[n, 3, height, width]`: a future of n float32 `[d]`."""

    def caption(self, images: np.ndarray) -> Result:
        """The captions of images, uint8 `[n, 3, height, width]`: a future of n `Caption`s."""

    def begin_decoding(self, directory: Path, files: Sequence[Path], specs: Sequence[InputSpec]) -> "list[Future[Any]]":
        """Decode files for inputs of `specs`, into `directory`: a future of the outcome of each."""


def decoded_tensors(directory: Path, spec: InputSpec, rows: Sequence[int]) -> np.ndarray:
    """The images that were decoded into `directory` for inputs of `spec`: uint8 `[n, 3, height, width]`, in memory."""
    images: np.ndarray = np.load(tensor_path(directory, spec), mmap_mode="r", allow_pickle=False)
    return np.ascontiguousarray(images[list(rows)])
