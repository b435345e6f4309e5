"""R3: transformers' pipeline with a BLIP model, in batches of 8.

Version 5 of transformers has no `image-to-text`. Its documentation uses `image-text-to-text` for BLIP; with an empty
text, the captions are the same, because the model begins with the same token.

The request: model (a directory), files, and optionally device, dtype and repeats.
"""

import time
from typing import Any

from torch.utils.data import Dataset
from transformers import pipeline

from benchmarks.exchange import answer, read_request

_BATCH, _TOKENS = 8, 20


def main() -> None:
    """Caption the files, and report the time, without imports and loading."""
    request = read_request()
    captioner = make_pipeline(request["model"])
    began = time.perf_counter()
    words = captions(captioner, request["files"])
    answer(images=len(words), seconds=time.perf_counter() - began, captions=words)


def make_pipeline(model: str, **options: Any) -> Any:
    """The pipeline, created as in the documentation."""
    return pipeline("image-text-to-text", model=model, **options)


class Asked(Dataset[dict[str, Any]]):
    """Files or pictures, each with an empty text, as a dataset: the pipeline makes batches only of datasets."""

    def __init__(self, images: list[Any]) -> None:
        self._images = images

    def __len__(self) -> int:
        """The number of images."""
        return len(self._images)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The input of the pipeline for one image."""
        return {"images": self._images[number], "text": ""}


def captions(captioner: Any, images: list[Any]) -> list[str]:
    """The captions of files or pictures."""
    outputs = captioner(Asked(images), batch_size=_BATCH, max_new_tokens=_TOKENS)
    return [(one[0] if isinstance(one, list) else one)["generated_text"].strip() for one in outputs]


if __name__ == "__main__":
    main()
