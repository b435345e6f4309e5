"""The contents that a history's files can have: small distinct pictures of several formats, and broken files."""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from image_pipeline.demo.drawing import draw
from image_pipeline.demo.scenes import random_scene
from image_pipeline.schema.outcome import Reason

_COUNTS = {".bmp": 12, ".jpg": 10, ".png": 6, ".tif": 6, ".webp": 4, ".gif": 2}
_FORMATS = {".bmp": "BMP", ".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP", ".gif": "GIF"}


@dataclass(frozen=True)
class Content:
    """What a file can hold: a picture of `size` (width, height, in pixels), or, with a reason, none to be read."""

    data: bytes
    ending: str
    size: tuple[int, int] = (0, 0)
    reason: Reason | None = None

    @cached_property
    def sha256(self) -> str:
        """Its identity."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Pool:
    """All contents there are, each different from the others."""

    readable: tuple[Content, ...]
    broken: tuple[Content, ...]

    @cached_property
    def by_sha256(self) -> dict[str, Content]:
        """The contents, by their identity."""
        return {content.sha256: content for content in (*self.readable, *self.broken)}

    def picture(self, choice: int, ending: str = "") -> Content:
        """A readable content, of a format."""
        found = [content for content in self.readable if content.ending.startswith(ending)]
        return found[choice % len(found)]

    def wreck(self, choice: int) -> Content:
        """A broken one."""
        return self.broken[choice % len(self.broken)]

    def others_of_the_same_size(self, data: bytes) -> list[Content]:
        """The contents that could stand in for `data` without a change of the file's size."""
        return [content for content in self.readable if len(content.data) == len(data) and content.data != data]


def make_pool(seed: int = 0) -> Pool:
    """The pool of a seed. Pictures of formats that are not compressed all have one size in bytes."""
    rng = np.random.default_rng(seed)
    readable = []
    for ending, count in _COUNTS.items():
        for number in range(count):
            is_compressed = ending not in (".bmp", ".tif")
            size = (48 + 4 * number, 36) if is_compressed else (40, 30)
            buffer = io.BytesIO()
            draw(random_scene(rng, held_out=True), size, rng).save(buffer, _FORMATS[ending])
            readable.append(Content(buffer.getvalue(), ending, size))
    jpegs = [content.data for content in readable if content.ending == ".jpg"]
    broken = [
        Content(b"", ".jpg", reason=Reason.EMPTY),
        *(Content(b"no picture %d" % number, ".png", reason=Reason.UNKNOWN_FORMAT) for number in range(3)),
        *(Content(data[: len(data) * 2 // 3], ".jpg", reason=Reason.TRUNCATED) for data in jpegs[:3]),
    ]
    return Pool(tuple(readable), tuple(broken))
