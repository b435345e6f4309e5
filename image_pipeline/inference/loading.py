"""A model that is loaded at its first use."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from image_pipeline.errors import ModelError, PipelineError
from image_pipeline.inference.batching import Batcher, Throughput
from image_pipeline.inference.device import Device, choose_device
from image_pipeline.inference.files import check_tokenizer, weights_path
from image_pipeline.inference.models import ModelSource
from image_pipeline.inference.out_of_memory import is_out_of_memory
from image_pipeline.inference.producer import Producer

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")

_SMALL = 50_000_000
"""Parameters below which a model is small."""


class LazyModel(ABC, Generic[Result]):
    """The base of the models: nothing is read, and torch not imported, before the first batch.

    Any thread may ask first; the others wait, and the model is loaded once.
    """

    first_batch = 1
    """The batch size to begin with, in images; the size on a CPU."""
    largest_batch = 1
    """The size up to which a GPU's memory is tried, in images."""

    def __init__(self, source: ModelSource, producer: Producer) -> None:
        """A model that computes as `producer` says, from the weights of `source`."""
        self.producer = producer
        self._source = source
        self._lock = threading.Lock()
        self._batcher: Batcher[Result] | None = None

    @property
    def throughput(self) -> Throughput | None:
        """Device, batch size and speed; None before the first batch."""
        return self._batcher.throughput if self._batcher else None

    @property
    def device_text(self) -> str:
        """The device and number format, for reports."""
        return str(self._batcher.throughput.device) if self._batcher else "not loaded: nothing was new to it"

    @abstractmethod
    def _load(self, directory: Path, device: Device) -> "torch.nn.Module":
        """The model in `directory`, on `device`. Raises whatever the libraries raise for a file that is not whole."""

    @abstractmethod
    def _forward(self, batch: "torch.Tensor") -> Result:
        """The results of a batch, uint8 `[n, 3, height, width]`."""

    def _loaded(self) -> Batcher[Result]:
        with self._lock:
            if self._batcher is None:
                directory = self._source.directory()
                device = choose_device(self.producer.dtype)
                with self._explained(directory):
                    check_tokenizer(self.producer.kind, directory, self._source.name)
                    self._device = device
                    self._model: Any = self._load(directory, device)
                    self._check_weights(directory)
                    parameters = sum(parameter.numel() for parameter in self._model.parameters())
                    self._batcher = Batcher(
                        self._source.name,
                        self.producer.input,
                        device,
                        self._forward,
                        # of a small model, a batch costs more in calls than in arithmetic
                        first=self.first_batch if parameters >= _SMALL else self.largest_batch,
                        most=self.largest_batch,
                    )
            return self._batcher

    def _check_weights(self, directory: Path) -> None:
        """Raises ModelError where a weight is no finite number: it would spoil some results, and not show in others."""
        damaged = _not_finite(self._model)
        if damaged is not None:
            raise ModelError(
                f"The model {self._source.name} has weights that are not finite ({damaged} in "
                f"{weights_path(self.producer.kind, directory)}): fetch it again, or name another in "
                "IMAGE_PIPELINE_MODELS."
            )

    def _check_results(self, values: "torch.Tensor", what: str) -> None:
        """Raises ModelError where one of `values` is no finite number, so that none is stored."""
        if not bool(values.isfinite().all()):
            raise ModelError(
                f"The model {self._source.name} gives {what} that are not finite in {self._device.dtype}; set "
                "IMAGE_PIPELINE_DTYPE to fp32, or name another model in IMAGE_PIPELINE_MODELS."
            )

    @contextmanager
    def _explained(self, directory: Path) -> Iterator[None]:
        try:
            yield
        except PipelineError:
            raise
        except Exception as error:
            # What the libraries raise for a damaged or foreign file is not documented, and is of many types.
            reason = " ".join(str(error).split())[:300]
            advice = "free memory" if is_out_of_memory(error) else "fetch it again"
            raise ModelError(
                f"The model {self._source.name} in {directory} cannot be loaded ({type(error).__name__}: {reason}); "
                f"{advice}, or name another in IMAGE_PIPELINE_MODELS."
            ) from error


def _not_finite(model: "torch.nn.Module") -> str | None:
    """The name of a parameter that holds infinity or what is no number, or of a buffer that holds the latter.

    Some buffers hold infinity on purpose: masks of attention.
    """
    import torch

    names, extremes = [], []
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point() and tensor.numel():
            low, high = torch.aminmax(tensor.detach())  # one pass; what is no number is the extreme of all
            span = torch.stack((low, high)).float()
            names.append(name)
            extremes.append((span.isfinite() if isinstance(tensor, torch.nn.Parameter) else ~span.isnan()).all())
    sound = torch.stack(extremes).tolist() if extremes else []  # together: a GPU is waited for once
    return next((name for name, is_sound in zip(names, sound, strict=True) if not is_sound), None)
