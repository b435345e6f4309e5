"""R3: transformers' pipeline with a BLIP model, in batches of 8.

Version 5 of transformers has no `image-to-text` any more; `image-text-to-text`, with an empty text, is what its
documentation shows for BLIP, and writes the same words: the model begins with the same one token.

The request: model (a directory), files, and optionally device, dtype and repeats.
"""

import time
from typing import Any

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


def captions(captioner: Any, images: list[Any]) -> list[str]:
    """The captions of files or pictures."""
    asked = [{"images": image, "text": ""} for image in images]
    told = captioner(asked, batch_size=_BATCH, max_new_tokens=_TOKENS)
    return [(one[0] if isinstance(one, list) else one)["generated_text"].strip() for one in told]


if __name__ == "__main__":
    main()
