"""JPEG files with more than 8 bits per sample, which Pillow does not decode: 12-bit DCT, and lossless."""

import io
import re
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from image_pipeline.imaging.jpeg_ending import segments
from image_pipeline.imaging.pillow_files import JpegPicture
from image_pipeline.imaging.samples import picture_of
from image_pipeline.schema.outcome import ImageError, Reason

_FRAMES = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
_JPEG_LS = 0xF7
_OTHER_DEPTH = re.compile("cannot handle \\d+-bit layers")
_BITS = range(9, 17)
_MOST_COMPONENTS = 3
_STUFFINGS = (b"\x00" * 64, b"\xaa" * 64)


class DeepJpegPicture(JpegPicture):
    """A JPEG with 9 to 16 bits per sample."""

    def _open(self) -> None:
        assert self.fp is not None
        content = self.fp.read()
        _, at = _frame(content)
        if len(content) <= at + 5:
            raise ImageError(Reason.TRUNCATED, "the file ends before its picture begins")
        self._deep, self._sample_bits = content, content[at]
        if self._sample_bits not in _BITS or content[at + 5] not in (1, _MOST_COMPONENTS):
            raise ImageError(
                Reason.UNSUPPORTED,
                f"a JPEG with {content[at + 5]} components of {self._sample_bits} bits is not supported",
            )
        # Pillow reads the header if it finds the usual depth.
        self.fp = io.BytesIO(content[:at] + b"\x08" + content[at + 1 :])
        super()._open()
        self.tile = []

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> None:
        """Nothing: there is no scaled decoding of such a file."""

    def load(self) -> Any:
        """Decode the picture. Raises ImageError if it is not complete."""
        if self._im is None:
            shift = self._sample_bits - 8
            one, other = (_samples(self._deep, stuffing) for stuffing in _STUFFINGS)
            if not np.array_equal(one, other):
                raise ImageError(Reason.TRUNCATED, "the picture data ends before the picture is complete")
            picture = picture_of((one >> shift).astype(np.uint8))
            self.im, self._mode = picture.im, picture.mode
        return Image.Image.load(self)


def open_jpeg(file: BinaryIO) -> JpegPicture:
    """Open the JPEG in `file` of any depth, reading only its header. Raises ImageError, and whatever Pillow raises."""
    at = file.tell()
    try:
        return JpegPicture(file)
    except SyntaxError as error:
        file.seek(at)
        if _frame(file.read())[0] == _JPEG_LS:
            raise ImageError(Reason.UNSUPPORTED, "the format JPEG-LS is not supported") from error
        if not _OTHER_DEPTH.match(str(error)):
            raise
    file.seek(at)
    return DeepJpegPicture(file)


def _frame(content: bytes) -> tuple[int, int]:
    """The marker of the picture's kind, and the offset of its header; 0 and the content's size if there is none."""
    found = ((marker, at) for marker, _, at in segments(content) if marker in _FRAMES)
    return next(found, (0, len(content)))


def _samples(content: bytes, stuffing: bytes) -> np.ndarray:
    import imagecodecs  # only few libraries have such a file

    end = content.rfind(b"\xff\xd9")
    data = (content[:end] if end >= 0 else content.removesuffix(b"\xff")) + stuffing + b"\xff\xd9"
    try:
        return np.asarray(imagecodecs.jpeg8_decode(data))
    except imagecodecs.Jpeg8Error as error:
        raise ImageError(Reason.CORRUPT, str(error)) from error
