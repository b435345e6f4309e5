"""JPEG files for Pillow, opened in time proportional to their size rather than to its square.

EXIF may be split over any number of segments. Pillow appends each segment to the previous ones by copying them all: 800
segments, 52 MB in total, took ten seconds.
"""

from typing import Any

from PIL.JpegImagePlugin import JpegImageFile


class JpegPicture(JpegImageFile):
    """A JPEG file that opens in linear time."""

    def _open(self) -> None:
        self.info = _Growing()
        super()._open()
        self.info = {name: bytes(value) if isinstance(value, bytearray) else value for name, value in self.info.items()}


class _Growing(dict[str | tuple[int, int], Any]):
    """Pillow's `info` dictionary; bytes that are appended to its EXIF are appended in place."""

    def __setitem__(self, name: str | tuple[int, int], value: Any) -> None:
        super().__setitem__(name, bytearray(value) if name == "exif" and isinstance(value, bytes) else value)
