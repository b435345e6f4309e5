"""Lazy loading of models at first use."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from image_pipeline.errors import ModelError, PipelineError
from image_pipeline.inference.batching import Batcher, Throughput, is_out_of_memory
from image_pipeline.inference.device import Device, choose_device
from image_pipeline.inference.files import check_tokenizer, weights_path
from image_pipeline.inference.libraries import check_libraries
from image_pipeline.inference.models import ModelSource
from image_pipeline.inference.producer import Producer
from image_pipeline.terminal import in_one_line

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")

_SMALL = 50_000_000
"""The number of parameters below which a model counts as small."""


class LazyModel(ABC, Generic[Result]):
    """The base class of models: before the first batch, nothing is read and torch is not imported.

    Any thread may request the first batch; the others wait, and the model is loaded once.
    """

    first_batch = 1
    """The initial batch size, in images; on a CPU, it does not grow."""
    largest_batch = 1
    """The largest batch size that is tried on a GPU, in images."""

    def __init__(self, source: ModelSource, producer: Producer) -> None:
        """A model with the weights of `source` that computes as `producer` describes."""
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
        return str(self._device) if self._batcher else "not loaded: there were no new images"

    @property
    def device(self) -> Device | None:
        """The device that the model is on; None before it is loaded."""
        return self._device if self._batcher else None

    def warm_up(self) -> Throughput:
        """Load the model, run one image, and find the size of its batches. Raises ModelError if that fails."""
        batcher = self._loaded()
        with self._explained(self._source.directory()):
            batcher.warm_up()
        return batcher.throughput

    @abstractmethod
    def _load(self, directory: Path, device: Device) -> "torch.nn.Module":
        """Load the model in `directory` to `device`. Raises whatever the libraries raise for an incomplete file."""

    @abstractmethod
    def _forward(self, batch: "torch.Tensor") -> Result:
        """The results of a batch, uint8 `[n, 3, height, width]`."""

    def _loaded(self) -> Batcher[Result]:
        with self._lock:
            if self._batcher is None:
                check_libraries()
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
                        # a batch of a small model takes more time in calls than in arithmetic
                        first=self.first_batch if parameters >= _SMALL else self.largest_batch,
                        most=self.largest_batch,
                    )
            return self._batcher

    def _check_weights(self, directory: Path) -> None:
        """Raise ModelError if a weight is not finite: it would spoil some results, and go unnoticed in others."""
        damaged = _not_finite(self._model)
        if damaged is not None:
            raise ModelError(
                f"The model {self._source.name} has weights that are not finite ({damaged} in "
                f"{weights_path(self.producer.kind, directory)}): fetch it again, or name a different model in "
                "IMAGE_PIPELINE_MODELS."
            )

    def _check_results(self, values: "torch.Tensor", what: str) -> None:
        """Raise ModelError if one of `values` is not finite, so that no such value is stored."""
        if not bool(values.isfinite().all()):
            raise ModelError(
                f"The model {self._source.name} produces {what} that are not finite in {self._device.dtype}: set "
                "IMAGE_PIPELINE_DTYPE to fp32, or name a different model in IMAGE_PIPELINE_MODELS."
            )

    @contextmanager
    def _explained(self, directory: Path) -> Iterator[None]:
        try:
            yield
        except PipelineError:
            raise
        except Exception as error:
            # For a damaged or foreign file, the libraries raise undocumented errors of many types.
            reason = in_one_line(error, 300)
            advice = "free memory" if is_out_of_memory(error) else "fetch it again"
            raise ModelError(
                f"The model {self._source.name} in {directory} cannot be loaded ({type(error).__name__}: {reason}); "
                f"{advice}, or name a different model in IMAGE_PIPELINE_MODELS."
            ) from error


def _not_finite(model: "torch.nn.Module") -> str | None:
    """The name of a parameter that holds an infinity or NaN, or of a buffer that holds NaN; None if there is none.

    Some buffers hold infinity on purpose: attention masks.
    """
    import torch

    names, extremes = [], []
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point() and tensor.numel():
            low, high = torch.aminmax(tensor.detach())  # one pass; any NaN makes both extremes NaN
            span = torch.stack((low, high)).float()
            names.append(name)
            extremes.append((span.isfinite() if isinstance(tensor, torch.nn.Parameter) else ~span.isnan()).all())
    sound = torch.stack(extremes).tolist() if extremes else []  # together: waits for a GPU only once
    return next((name for name, is_sound in zip(names, sound, strict=True) if not is_sound), None)
