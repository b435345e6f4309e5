"""Rates of a model inside the pipeline and of the bare model, on the best available device."""

from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch

from image_pipeline.inference.device import Device, choose_device
from image_pipeline.inference.embedder import Embedder
from image_pipeline.inference.local import LocalDirectory
from image_pipeline.inference.model_records import Records
from image_pipeline.inference.models import ModelSource
from image_pipeline.inference.producer import ProducerKind


def model_source(kind: ProducerKind, directory: Path, home: Path) -> ModelSource:
    """The model in a directory, as the setting of the pipeline names it; `home` is the folder for its records."""
    return ModelSource(kind, LocalDirectory(kind, directory, directory.name, Records(home)))


def make_embedder(directory: Path, home: Path) -> Embedder:
    """The embedder in a directory, not loaded yet."""
    source = model_source(ProducerKind.EMBEDDING, directory, home)
    return Embedder(source, source.producer())


def write_images(path: Path, count: int, side: int) -> np.ndarray:
    """Write different decoded images to disk; returns them memory-mapped, uint8 `[count, 3, side, side]`."""
    rng = np.random.default_rng(5)
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 3, side, side))
    for start in range(0, count, 256):
        batch = images[start : start + 256]
        batch[...] = rng.integers(0, 256, batch.shape, np.uint8)
    images.flush()
    mapped: np.ndarray = np.load(path, mmap_mode="r")
    return mapped


def embed_all(embedder: Embedder, images: np.ndarray) -> None:
    """Run the embedder of the pipeline on images on disk."""
    for _ in embedder.embed_batches(images):
        pass


class BareModel:
    """The model alone, on tensors that are already on the device, in its best number format."""

    def __init__(self, directory: Path, batch: int, side: int) -> None:
        """Load the model from `directory`, for `batch` images of `side` × `side` at a time."""
        self.device: Device = choose_device()
        model: Any = open_clip.create_model_from_pretrained(
            f"local-dir:{directory}",
            precision="bf16" if self.device.torch_dtype is torch.bfloat16 else "fp32",
            device=self.device.kind,
            return_transform=False,
        )
        self._model = model.eval()
        self._batch = torch.randn(
            (batch, 3, side, side), dtype=self.device.torch_dtype, device=self.device.torch_device
        )

    def run(self, images: int) -> None:
        """Run the model on that many images, in full batches and a remainder."""
        with torch.inference_mode():
            for start in range(0, images, len(self._batch)):
                self._model.encode_image(self._batch[: images - start])
        if self.device.kind == "cuda":
            torch.cuda.synchronize()
