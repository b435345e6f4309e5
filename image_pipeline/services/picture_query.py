"""A picture as a query: decoded in a process of its own, as the pictures of a library are, and embedded."""

import os
import tempfile
from pathlib import Path

import numpy as np

from image_pipeline.errors import PipelineError
from image_pipeline.files.names import to_text
from image_pipeline.files.open_file import LibraryFile
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.stages.models import Inference
from image_pipeline.storage.tensors import create_tensor_files, read_tensors


class UnreadablePictureError(PipelineError):
    """A picture to search by cannot be decoded; `reason` is a code, and the library's own message."""

    def __init__(self, name: object, reason: str) -> None:
        super().__init__(f"{name} cannot be read as a picture ({reason}): give the path of a different one.")
        self.reason = reason


def embed_picture(inference: Inference, file: Path | LibraryFile, limits: DecodeLimits) -> np.ndarray:
    """The vector of a picture: float32 `[d]`, of unit length.

    Raises UnreadablePictureError if it cannot be decoded, ModelError if the model cannot be loaded.
    """
    named, source = (file, os.fspath(file)) if isinstance(file, Path) else (to_text(file.path), file)
    with tempfile.TemporaryDirectory(prefix="image-pipeline-") as directory:
        outputs = create_tensor_files(Path(directory) / "query", [inference.embedding_producer.input], 1)
        with WorkerPool(limits, 1) as pool:
            outcome = next(iter(pool.decode([DecodeTask("query", source, 0, None)], outputs)))
        if isinstance(outcome, DecodeFailure):
            raise UnreadablePictureError(named, f"{outcome.reason}: {outcome.message}")
        images = read_tensors(Path(directory) / "query", inference.embedding_producer.input, [0])[0:1]
    vector: np.ndarray = inference.embed_images(images)[0]
    return vector
