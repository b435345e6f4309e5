"""R1 and R2: the loop that everybody writes. A file decoded in full, open_clip's own transform, `encode_image`.

A DataLoader with a worker a core and batches of 64; RAW files by `rawpy.postprocess()`, as its README has it. The
autocast is that of open_clip's README, `torch.autocast("cuda")`, which does nothing on a processor; `precision` gives
that of its scripts instead (`amp` is their default: float16, which a processor without such arithmetic emulates).

The request: model (a directory), files, and optionally precision.
"""

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

_BATCH = 64
_RAW = (".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw")


class Photographs(torch.utils.data.Dataset[torch.Tensor]):
    """Files as tensors, by the transform that comes with the model."""

    def __init__(self, files: list[str], transform: Any) -> None:
        self._files, self._transform = files, transform

    def __len__(self) -> int:
        """How many there are."""
        return len(self._files)

    def __getitem__(self, number: int) -> torch.Tensor:
        """float32 `[3, height, width]`."""
        tensor: torch.Tensor = self._transform(opened(self._files[number]))
        return tensor


def opened(file: str) -> Image.Image:
    """The picture in a file, decoded in full."""
    if file.lower().endswith(_RAW):
        with rawpy.imread(file) as raw:
            return Image.fromarray(raw.postprocess())
    return Image.open(file)


def main() -> None:
    """Embed the files, and tell how long the loop took (without imports and loading)."""
    request = read_request()
    register_heif_opener()
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{request['model']}")
    model.eval()
    autocast: Any = nullcontext
    if request.get("precision", "fp32") != "fp32":
        from open_clip_train.precision import get_autocast

        autocast = get_autocast(request["precision"], device_type="cpu")
    loader = torch.utils.data.DataLoader(
        Photographs(request["files"], transform), batch_size=_BATCH, num_workers=len(os.sched_getaffinity(0))
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
