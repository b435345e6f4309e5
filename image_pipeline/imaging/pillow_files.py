"""PNG and JPEG files for Pillow, opened without unbounded work for text and metadata.

Pillow reads every text of a PNG with the header. It rejects the file as damaged if a text inflates to more than 1 MiB,
as an editor's history in XMP easily does, or has an odd keyword. It also adds each text to the picture's `info`, under
any name that the text chooses. Here, texts are skipped; `png.png_xmp` and `png.png_exif` read those that are needed.

The EXIF of a JPEG may be split over any number of segments. Pillow appends each segment to the previous ones by copying
them all: 800 segments, 52 MB in total, took ten seconds. Here, opening takes time proportional to the file's size.
"""

import io
import threading
import zlib
from typing import Any

from PIL import ImageFile, PngImagePlugin
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile, PngStream

_MAX_PROFILE_BYTES = 16 << 20
"""The largest ICC profile that is used, ten times the size of any printer's; without one, a picture counts as sRGB."""

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_lock = threading.Lock()


class PngPicture(PngImageFile):
    """A PNG file whose texts are not read, and whose colour profile is limited in size."""

    def _open(self) -> None:
        # Pillow looks up the class of its stream in the module, and offers no other way to replace it.
        with _lock:
            setattr(PngImagePlugin, "PngStream", _Stream)  # noqa: B010
            try:
                super()._open()
            finally:
                setattr(PngImagePlugin, "PngStream", PngStream)  # noqa: B010


class _Stream(PngStream):
    def chunk_tEXt(self, pos: int, length: int) -> bytes:  # noqa: N802 (Pillow calls it by the chunk's name)
        return self._passed_over(length)

    def chunk_zTXt(self, pos: int, length: int) -> bytes:  # noqa: N802
        return self._passed_over(length)

    def chunk_iTXt(self, pos: int, length: int) -> bytes:  # noqa: N802
        return self._passed_over(length)

    def chunk_iCCP(self, pos: int, length: int) -> bytes:  # noqa: N802
        assert self.fp is not None
        content = ImageFile._safe_read(self.fp, length)
        _, _, behind_name = content.partition(b"\0")
        inflater = zlib.decompressobj()
        try:
            profile = inflater.decompress(behind_name[1:], _MAX_PROFILE_BYTES)
        except zlib.error:
            profile = b""
        self.im_info["icc_profile"] = profile if profile and not inflater.unconsumed_tail else None
        return content

    def crc(self, cid: bytes, data: bytes) -> None:
        if cid in _TEXTS:
            self.crc_skip(cid, data)
        else:
            super().crc(cid, data)

    def _passed_over(self, length: int) -> bytes:
        assert self.fp is not None
        self.fp.seek(length, io.SEEK_CUR)
        return b""


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
