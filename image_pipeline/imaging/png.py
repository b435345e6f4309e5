"""The chunks of a PNG file.

Pillow reads the chunks behind the pixels only when it decodes those; editors write EXIF and XMP just there, and
metadata is to be had without a decode.
"""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_SIGNATURE_BYTES = 8
_MAX_CHUNKS = 100_000
_MAX_TEXT_BYTES = 16 << 20
_XMP_KEYWORD = b"XML:com.adobe.xmp"


@dataclass(frozen=True)
class PngChunk:
    """One chunk: its type, and where its data lies, in bytes from the start of the file."""

    kind: bytes
    start: int
    length: int

    @property
    def end(self) -> int:
        """Where the chunk ends, behind its checksum."""
        return self.start + self.length + 4

    def read(self, file: BinaryIO) -> bytes:
        """The chunk's data."""
        file.seek(self.start)
        return file.read(min(self.length, _MAX_TEXT_BYTES))


def png_chunks(file: BinaryIO) -> Iterator[PngChunk]:
    """The chunks of a PNG file up to IEND, those that are whole."""
    size = file.seek(0, os.SEEK_END)
    return (chunk for chunk in _announced_chunks(file) if chunk.end <= size)


def is_png_truncated(file: BinaryIO) -> bool:
    """Whether a PNG file ends before IEND, or within a chunk that is otherwise sound."""
    size = file.seek(0, os.SEEK_END)
    last = None
    for last in _announced_chunks(file):
        if not last.kind.isalpha():
            return False  # damaged: where the file should end is not known
    return last is None or last.kind != b"IEND" or last.end > size


def png_exif(file: BinaryIO) -> bytes | None:
    """The EXIF block of a PNG file, from wherever in the file it is; None when there is none."""
    for chunk in png_chunks(file):
        if chunk.kind == b"eXIf":
            return chunk.read(file)
        if chunk.kind in (b"zTXt", b"tEXt"):
            keyword, _, text = chunk.read(file).partition(b"\0")
            if keyword == b"Raw profile type exif":  # ImageMagick's way, from before there was eXIf
                return _raw_profile(_inflate(text[1:]) if chunk.kind == b"zTXt" else text)
    return None


def png_xmp(file: BinaryIO) -> bytes | None:
    """The XMP packet of a PNG file; None when there is none."""
    for chunk in png_chunks(file):
        if chunk.kind == b"iTXt":
            keyword, _, rest = chunk.read(file).partition(b"\0")
            if keyword == _XMP_KEYWORD and len(rest) > 2:
                text = rest[2:].split(b"\0", 2)[-1]
                return _inflate(text) if rest[0] else text
    return None


def _announced_chunks(file: BinaryIO) -> Iterator[PngChunk]:
    at = _SIGNATURE_BYTES
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        chunk = PngChunk(header[4:], at + 8, int.from_bytes(header[:4], "big"))
        yield chunk
        if chunk.kind == b"IEND":
            return
        at = chunk.end


def _raw_profile(text: bytes) -> bytes | None:
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return None


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MAX_TEXT_BYTES)
    except zlib.error:
        return b""
