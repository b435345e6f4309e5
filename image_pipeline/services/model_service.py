"""The models of this process for many callers: decoding, queues, batches and limits, without HTTP."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from image_pipeline.errors import ModelError
from image_pipeline.imaging.decoding_threads import DecodingThreads
from image_pipeline.imaging.pool import DecodeTask
from image_pipeline.inference.runner import ModelRunner, Result
from image_pipeline.inference.wire import PROTOCOL, Capabilities, ServedModel, ServiceLimits
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.services.figures import Figures
from image_pipeline.services.waiting import Waiting
from image_pipeline.stages.models import LocalInference
from image_pipeline.storage.tensors import TensorFile, tensor_path

_EMBEDDED_AT_ONCE = 8
"""Batches of a GPU's embedder, which computes one in the time that it takes to copy one. A captioner takes longer."""


class ModelService:
    """Runs the models of `inference` for many callers, for the length of a `with` block.

    `load` has to be called first. It takes seconds; other threads may ask meanwhile whether the service `is_ready`.
    """

    def __init__(
        self,
        inference: LocalInference,
        decode_limits: DecodeLimits,
        processes: int,
        limits: ServiceLimits,
        waiting: Waiting | None = None,
    ) -> None:
        self.inference, self.limits = inference, limits
        self.waiting = waiting or Waiting(limits.waiting_images)
        self._decoding = DecodingThreads(decode_limits, processes)
        self._running = ExitStack()
        self._embedding: ModelRunner | None = None
        self._captioning: ModelRunner | None = None
        self._capabilities: Capabilities | None = None

    def __enter__(self) -> Self:
        self._running.enter_context(self._decoding)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the work that was taken."""
        self._running.__exit__(kind, error, traceback)

    def load(self) -> None:
        """Load the models and find the size of their batches. Raises ModelError."""
        models = self.inference
        embedder, captioner = models.embedder, models.captioner
        throughput = embedder.warm_up()
        device = threading.Lock()
        served = ServedModel(
            models.embedding_producer, str(models.embedding_producer), models.model_name, throughput.batch_size
        )
        captions = None
        if captioner is not None and models.caption_producer is not None:
            batch = captioner.warm_up().batch_size
            producer = models.caption_producer
            captions = ServedModel(producer, str(producer), models.caption_model_name or "", batch)
            self._captioning = self._running.enter_context(
                ModelRunner("captions", captioner.caption_batches, batch, device, self._expected)
            )
        self._embedding = self._running.enter_context(
            ModelRunner(
                "embeddings",
                embedder.embed_batches,
                throughput.batch_size,
                threading.Lock() if self.is_on_gpu else device,
                self._expected,
                _EMBEDDED_AT_ONCE if self.is_on_gpu else 1,
            )
        )
        self._capabilities = Capabilities(
            PROTOCOL,
            version("image-pipeline"),
            throughput.device,
            served,
            captions,
            sorted(ImageFormat),
            self.limits,
        )

    @property
    def is_ready(self) -> bool:
        """Whether the models are loaded."""
        return self._capabilities is not None

    @property
    def capabilities(self) -> Capabilities:
        """What this service offers. Raises ModelError before the models are loaded."""
        if self._capabilities is None:
            raise ModelError("The models are being loaded: try again in a few seconds.")
        return self._capabilities

    @property
    def runners(self) -> "dict[str, ModelRunner]":
        """The runners of the models, by name."""
        found = {"embeddings": self._embedding, "captions": self._captioning}
        return {name: runner for name, runner in found.items() if runner is not None}

    @property
    def is_on_gpu(self) -> bool:
        """Whether the embedder runs on a GPU, which computes faster than one process receives images."""
        device = self.inference.embedder.device
        return device is not None and device.kind == "cuda"

    def figures(self) -> "Future[Figures]":
        """The state of this service now."""
        images = {name: runner.images_run for name, runner in self.runners.items()}
        batches = {name: runner.batches_run for name, runner in self.runners.items()}
        now: Future[Figures] = Future()
        now.set_result(Figures(self.is_ready, self.waiting.images, images, batches))
        return now

    def _expected(self) -> int:
        return self.waiting.expected

    def embed_texts(self, texts: Sequence[str]) -> Result:
        """The vectors of texts: a future of float32 `[n, d]`."""
        return self._runner(self._embedding).call(lambda: self.inference.embed_texts(texts))

    def embed(self, images: np.ndarray) -> Result:
        """The vectors of images, uint8 `[n, 3, height, width]`: a future of n float32 `[d]`."""
        return self._runner(self._embedding).run(images)

    def caption(self, images: np.ndarray) -> Result:
        """The captions of images, uint8 `[n, 3, height, width]`: a future of n `Caption`s."""
        return self._runner(self._captioning).run(images)

    def _runner(self, runner: ModelRunner | None) -> ModelRunner:
        if runner is None:
            raise ModelError(
                "Captions are switched off in this service." if self.is_ready else "The models are loading."
            )
        return runner

    def begin_decoding(self, directory: Path, files: Sequence[Path], specs: Sequence[InputSpec]) -> "list[Future[Any]]":
        """Decode files for inputs of `specs`, into `directory`: a future of the outcome of each."""
        outputs = [TensorFile.create(tensor_path(directory, spec), spec, len(files)) for spec in dict.fromkeys(specs)]
        return [
            self._decoding.decode(DecodeTask(str(row), os.fspath(file), row, None), outputs)
            for row, file in enumerate(files)
        ]
