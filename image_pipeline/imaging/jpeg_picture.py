"""JPEG files for Pillow, which are opened in a time that grows with their size and not with its square.

EXIF may stand in any number of segments. Pillow adds each to those before it, and copies all of them to do so: 800
segments, of 52 MB, took ten seconds.
"""

from typing import Any

from PIL.JpegImagePlugin import JpegImageFile


class JpegPicture(JpegImageFile):
    """A JPEG file."""

    def _open(self) -> None:
        self.info = _Growing()
        super()._open()
        self.info = {name: bytes(value) if isinstance(value, bytearray) else value for name, value in self.info.items()}


class _Growing(dict[str | tuple[int, int], Any]):
    """What a file tells of itself; bytes that are added to its EXIF are added in place."""

    def __setitem__(self, name: str | tuple[int, int], value: Any) -> None:
        super().__setitem__(name, bytearray(value) if name == "exif" and isinstance(value, bytes) else value)
