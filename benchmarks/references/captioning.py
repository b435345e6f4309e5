"""R3: transformers' pipeline with a BLIP model, in batches of 8.

Version 5 of transformers has no `image-to-text` any more; `image-text-to-text`, with an empty text, is what its
documentation shows for BLIP, and writes the same words: the model begins with the same one token.

The request: model (a directory), files, and optionally device, dtype and repeats.
"""

import time
from typing import Any

from torch.utils.data import Dataset
from transformers import pipeline

from benchmarks.exchange import answer, read_request

_BATCH, _TOKENS = 8, 20


def main() -> None:
    """Caption the files, and tell how long that took (without imports and loading)."""
    request = read_request()
    captioner = make_pipeline(request["model"])
    began = time.perf_counter()
    words = captions(captioner, request["files"])
    answer(images=len(words), seconds=time.perf_counter() - began, captions=words)


def make_pipeline(model: str, **options: Any) -> Any:
    """The pipeline, as the documentation makes it."""
    return pipeline("image-text-to-text", model=model, **options)


class Asked(Dataset[dict[str, Any]]):
    """Files or pictures, each with an empty text: what the pipeline takes in batches is a dataset."""

    def __init__(self, images: list[Any]) -> None:
        self._images = images

    def __len__(self) -> int:
        """How many there are."""
        return len(self._images)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """One of them."""
        return {"images": self._images[number], "text": ""}


def captions(captioner: Any, images: list[Any]) -> list[str]:
    """The captions of files or pictures."""
    told = captioner(Asked(images), batch_size=_BATCH, max_new_tokens=_TOKENS)
    return [(one[0] if isinstance(one, list) else one)["generated_text"].strip() for one in told]


if __name__ == "__main__":
    main()
