"""R1 and R2: the usual loop of full decode, open_clip's own transform, and `encode_image`.

A DataLoader has one worker per core and batches of 64, or slightly fewer so that all workers get the same number. RAW
files are decoded by `rawpy.postprocess()`, as in its README. There is no autocast, because that of open_clip's README,
`torch.autocast("cuda")`, does nothing on a CPU. `precision` selects the autocast of open_clip's scripts instead; their
default, `amp`, is float16, which a CPU without float16 support emulates.

The request: model (a directory), files, and optionally precision.
"""

import math
import os
import time
from contextlib import nullcontext
from typing import Any

import numpy as np
import open_clip
import rawpy
import torch
from PIL import Image
from pillow_heif import register_heif_opener

from benchmarks.exchange import answer, read_request

_MOST_IN_A_BATCH = 64
_RAW = (".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw")


class Photographs(torch.utils.data.Dataset[torch.Tensor]):
    """Files as tensors, by the transform of the model."""

    def __init__(self, files: list[str], transform: Any) -> None:
        self._files, self._transform = files, transform

    def __len__(self) -> int:
        """The number of files."""
        return len(self._files)

    def __getitem__(self, number: int) -> torch.Tensor:
        """A file as float32 `[3, height, width]`."""
        tensor: torch.Tensor = self._transform(opened(self._files[number]))
        return tensor


def opened(file: str) -> Image.Image:
    """The picture in a file, decoded in full."""
    if file.lower().endswith(_RAW):
        with rawpy.imread(file) as raw:
            return Image.fromarray(raw.postprocess())
    return Image.open(file)


def even_batch(images: int, workers: int) -> int:
    """The batch size that gives each worker the same number of batches; a batch is decoded by one worker.

    For thousands of images it does not matter; with 32 images, a batch of 64 would give one worker all of them.
    """
    rounds = math.ceil(images / (_MOST_IN_A_BATCH * workers))
    return math.ceil(images / (rounds * workers))


def main() -> None:
    """Embed the files, and report the time of the loop, without imports and loading."""
    request = read_request()
    register_heif_opener()
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{request['model']}")
    model.eval()
    autocast: Any = nullcontext
    if request.get("precision", "fp32") != "fp32":
        from open_clip_train.precision import get_autocast

        autocast = get_autocast(request["precision"], device_type="cpu")
    workers = len(os.sched_getaffinity(0))
    loader = torch.utils.data.DataLoader(
        Photographs(request["files"], transform),
        batch_size=even_batch(len(request["files"]), workers),
        num_workers=workers,
    )
    began = time.perf_counter()
    vectors = []
    with torch.no_grad(), autocast():
        for batch in loader:
            features = model.encode_image(batch)
            features /= features.norm(dim=-1, keepdim=True)
            vectors.append(features.float().numpy())
    seconds = time.perf_counter() - began
    answer(images=len(np.concatenate(vectors)), seconds=seconds)


if __name__ == "__main__":
    main()
