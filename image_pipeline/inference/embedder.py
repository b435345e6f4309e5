"""Embedding of images and texts in one vector space, by an open_clip model."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from image_pipeline.errors import ModelError
from image_pipeline.inference.device import Device
from image_pipeline.inference.loading import LazyModel
from image_pipeline.inference.normaliser import Normaliser
from image_pipeline.inference.prefetch import Images
from image_pipeline.patches import skip_random_weights
from image_pipeline.settings import DType

if TYPE_CHECKING:
    import torch

_TEXTS_AT_ONCE = 64


class Embedder(LazyModel[np.ndarray]):
    """An open_clip model: any that open_clip itself can load from a directory."""

    first_batch = 32
    largest_batch = 512

    def embed_batches(self, images: Images) -> Iterator[tuple[slice, np.ndarray]]:
        """The vectors of uint8 images `[n, 3, height, width]`, batch by batch: the rows, and float32 `[rows, d]`.

        Vectors have unit length. The next batch is computed only when it is requested. Raises ModelError if the model
        cannot be fetched or loaded, produces vectors that are not finite, or lacks the memory for a single image;
        ValueError if the images do not match the producer's input.
        """
        if len(images):
            yield from self._loaded().run(images)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of texts: float32 `[n, d]`, of unit length, comparable with those of images.

        Text beyond the model's context length is cut off. Raises ModelError as `embed_batches` does.
        """
        assert self.producer.dimension is not None, "an embedder's producer has a dimension"
        vectors = np.empty((len(texts), self.producer.dimension), np.float32)
        if not texts:
            return vectors
        self._loaded()
        import torch

        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = list(texts[start : start + _TEXTS_AT_ONCE])
            with torch.inference_mode():
                tokens = self._tokenizer(some).to(self._device.torch_device)
                vectors[start : start + len(some)] = self._unit_vectors(self._model.encode_text(tokens))
        return vectors

    def _load(self, directory: Path, device: Device) -> "torch.nn.Module":
        import open_clip
        import torch

        root = logging.getLogger()
        if not root.handlers:  # open_clip's first message to this logger would make it print all records of the process
            root.addHandler(logging.NullHandler())
        where = f"local-dir:{directory}"
        # In bf16, open_clip keeps the layer norms in fp32.
        precision = "bf16" if device.dtype is DType.BF16 else "fp32"
        with skip_random_weights():
            model: Any = open_clip.create_model_from_pretrained(
                where, precision=precision, device=device.kind, return_transform=False
            )
        preprocess, spec = model.visual.preprocess_cfg, self.producer.input
        size = preprocess["size"]
        if tuple(size if isinstance(size, (tuple, list)) else (size, size)) != (spec.height, spec.width):
            raise ModelError(
                f"The loaded model {self._source.name} takes images of size {size}, but its configuration says {spec}: "
                "fetch it again, or name a different model in IMAGE_PIPELINE_MODELS."
            )
        self._normalise = Normaliser(preprocess["mean"], preprocess["std"], device)
        self._tokenizer = open_clip.get_tokenizer(where)
        loaded: torch.nn.Module = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        return loaded

    def _forward(self, batch: "torch.Tensor") -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self._unit_vectors(self._model.encode_image(self._normalise(batch)))

    def _unit_vectors(self, features: "torch.Tensor") -> np.ndarray:
        wide = features.float()
        unit = (wide / wide.norm(dim=-1, keepdim=True)).cpu()
        self._check_results(unit, "vectors")
        vectors: np.ndarray = unit.numpy()
        return vectors
