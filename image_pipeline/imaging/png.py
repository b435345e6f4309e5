"""The chunks of a PNG file.

Pillow reads the chunks after the pixels only when it decodes the pixels. Editors write EXIF and XMP there, and reading
metadata must not require a decode.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from image_pipeline.imaging.encodings import decoded

_SIGNATURE_BYTES = 8
_MAX_KEYWORD = 79
_BLOCK_BYTES = 1 << 20
_MAX_CHUNKS = 100_000
_MAX_TEXT_BYTES = 16 << 20
"""The limit for one text, compressed or not: more than any editor writes, and a bound on decompression bombs."""
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_RAW_EXIF, _RAW_XMP, _RAW_IPTC = b"Raw profile type exif", b"Raw profile type xmp", b"Raw profile type iptc"
"""The keywords of ImageMagick's format, which is older than the chunks for EXIF and XMP."""
_PEOPLES_TEXTS = (b"Creation Time", b"Title", b"Description")
_MAX_PEOPLES_TEXT = 20_000
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel, by colour type."""
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Adam7: the first column and row of each pass, and the steps to its next column and row."""


@dataclass(frozen=True)
class PngChunk:
    """One chunk: its type, the offset of its data in the file, and the length of its data in bytes."""

    kind: bytes
    start: int
    length: int

    @property
    def end(self) -> int:
        """The offset at which the chunk ends, after its checksum."""
        return self.start + self.length + 4

    def read(self, file: BinaryIO, most: int = _MAX_TEXT_BYTES) -> bytes:
        """The chunk's data, at most `most` bytes of it."""
        file.seek(self.start)
        return file.read(min(self.length, most))

    def has_keyword(self, file: BinaryIO, keyword: bytes) -> bool:
        """Whether the chunk is a text with this keyword."""
        return self.read(file, len(keyword) + 1) == keyword + b"\0"

    def blocks(self, file: BinaryIO) -> Iterator[bytes]:
        """The chunk's data, in blocks of at most 1 MiB."""
        for at in range(self.start, self.start + self.length, _BLOCK_BYTES):
            file.seek(at)
            yield file.read(min(_BLOCK_BYTES, self.start + self.length - at))


def png_chunks(file: BinaryIO) -> Iterator[PngChunk]:
    """The complete chunks of a PNG file, up to IEND."""
    size = file.seek(0, os.SEEK_END)
    return (chunk for chunk in _announced_chunks(file) if chunk.end <= size)


def is_png_truncated(file: BinaryIO) -> bool:
    """Whether a PNG file ends before IEND, or within a chunk that is otherwise sound."""
    size = file.seek(0, os.SEEK_END)
    last = None
    for last in _announced_chunks(file):
        if not last.kind.isalpha():
            return False  # damaged: the intended end of the file is unknown
    return last is None or last.kind != b"IEND" or last.end > size


def has_wrong_checksum(file: BinaryIO) -> bool:
    """Whether the checksum of a chunk of pixels is wrong.

    Pillow checks the checksums of all chunks but these; libpng, and thus every browser, rejects such a file.
    """
    return any(chunk.kind == b"IDAT" and _has_wrong_checksum(file, chunk) for chunk in png_chunks(file))


def holds_all_rows(file: BinaryIO) -> bool:
    """Whether the compressed data has all the pixels that the header declares: a decoder leaves missing rows black."""
    header = next((chunk.read(file) for chunk in png_chunks(file) if chunk.kind == b"IHDR"), b"")
    missing = _announced_bytes(header)
    inflater = zlib.decompressobj()
    try:
        for chunk in png_chunks(file):
            for block in chunk.blocks(file) if chunk.kind == b"IDAT" else ():
                waiting = block
                while waiting and missing > 0:
                    missing -= len(inflater.decompress(waiting, _BLOCK_BYTES))
                    waiting = inflater.unconsumed_tail
    except zlib.error:
        return missing <= 0
    return missing <= 0


def png_code_points(file: BinaryIO) -> tuple[int, int] | None:
    """The code points of primaries and transfer function in the chunk `cICP`; None if there is none."""
    for chunk in png_chunks(file):
        if chunk.kind == b"cICP" and chunk.length == 4:
            primaries, transfer, _, _ = chunk.read(file)
            return primaries, transfer
        if chunk.kind == b"IDAT":
            break
    return None


def sound_rows(file: BinaryIO) -> int | None:
    """The number of rows before the first damage; None if the picture is interlaced, so that no row is whole."""
    header = next((chunk.read(file) for chunk in png_chunks(file) if chunk.kind == b"IHDR"), b"")
    if len(header) < 13 or header[12]:
        return None
    width, height, depth, colour = map(int, struct.unpack_from(">LLBB", header))
    row_bytes = 1 + -(-width * depth * _SAMPLES.get(colour, 0) // 8)
    found, inflater = 0, zlib.decompressobj()
    size = file.seek(0, os.SEEK_END)
    for chunk in _announced_chunks(file):
        if chunk.kind != b"IDAT":
            if chunk.start + chunk.length > size or not chunk.kind.isalpha():
                break
            continue
        is_sound = chunk.end > size or not _has_wrong_checksum(file, chunk)
        try:
            for block in chunk.blocks(file) if is_sound else ():
                waiting = block
                while waiting and found < height * row_bytes:
                    found += len(inflater.decompress(waiting, _BLOCK_BYTES))
                    waiting = inflater.unconsumed_tail
        except zlib.error:
            break
        if not is_sound or chunk.end > size:
            break
    return min(height, found // row_bytes)


def _has_wrong_checksum(file: BinaryIO, chunk: PngChunk) -> bool:
    checksum = zlib.crc32(chunk.kind)
    for block in chunk.blocks(file):
        checksum = zlib.crc32(block, checksum)
    file.seek(chunk.start + chunk.length)
    return file.read(4) != checksum.to_bytes(4, "big")


def png_exif(file: BinaryIO) -> bytes | None:
    """The EXIF block of a PNG file, wherever in the file it is; None if there is none."""
    for chunk in png_chunks(file):
        if chunk.kind == b"eXIf":
            return chunk.read(file)
        if _is_raw_profile(file, chunk, _RAW_EXIF):
            return _raw_profile(file, chunk, _RAW_EXIF)
    return None


def png_xmp(file: BinaryIO) -> bytes | None:
    """The XMP packet of a PNG file; None if there is none."""
    for chunk in png_chunks(file):
        if chunk.kind == b"iTXt" and chunk.has_keyword(file, _XMP_KEYWORD):
            rest = chunk.read(file)[len(_XMP_KEYWORD) + 1 :]
            if len(rest) > 2:
                text = rest[2:].split(b"\0", 2)[-1]
                return _inflate(text) if rest[0] else text
        elif _is_raw_profile(file, chunk, _RAW_XMP):
            return _raw_profile(file, chunk, _RAW_XMP)
    return None


def png_iptc(file: BinaryIO) -> bytes | None:
    """The IPTC records of a PNG file, or the image resources with them, as ImageMagick keeps them; None if none."""
    chunks = (chunk for chunk in png_chunks(file) if _is_raw_profile(file, chunk, _RAW_IPTC))
    return next((_raw_profile(file, chunk, _RAW_IPTC) for chunk in chunks), None)


def png_texts(file: BinaryIO) -> dict[str, str]:
    """The texts of a PNG file that people give, by their keyword in lower case (PNG specification, section 11.3.3)."""
    found: dict[str, str] = {}
    for chunk in png_chunks(file):
        if chunk.kind not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        keyword = chunk.read(file, _MAX_KEYWORD + 1).split(b"\0", 1)[0].title()
        if keyword not in _PEOPLES_TEXTS or keyword.decode().lower() in found:
            continue
        content = chunk.read(file, 2 * _MAX_PEOPLES_TEXT)[len(keyword) + 1 :]
        if chunk.kind == b"zTXt":
            content = _inflate(content[1:], _MAX_PEOPLES_TEXT)
        elif chunk.kind == b"iTXt":
            packed, content = content[:1], content[2:].split(b"\0", 2)[-1]
            content = _inflate(content, _MAX_PEOPLES_TEXT) if packed == b"\1" else content
        text = decoded(content[:_MAX_PEOPLES_TEXT])
        if text:
            found[keyword.decode().lower()] = text
    return found


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


def _announced_bytes(header: bytes) -> int:
    """The size of all rows, each with its filter byte, from the content of IHDR (PNG specification, section 7.2)."""
    if len(header) < 13:
        return 0
    width, height, depth, colour, _, _, interlace = struct.unpack_from(">LLBBBBB", header)
    bits = depth * _SAMPLES.get(colour, 0)
    pictures = ((0, 0, 1, 1),) if interlace == 0 else _PASSES
    sizes = ((-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in pictures)
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0)


def _is_raw_profile(file: BinaryIO, chunk: PngChunk, keyword: bytes) -> bool:
    return chunk.kind in (b"zTXt", b"tEXt") and chunk.has_keyword(file, keyword)


def _raw_profile(file: BinaryIO, chunk: PngChunk, keyword: bytes) -> bytes | None:
    text = chunk.read(file)[len(keyword) + 1 :]
    if chunk.kind == b"zTXt":
        text = _inflate(text[1:])
    try:
        return bytes.fromhex(b"".join(text.split(b"\n", 3)[3:]).decode("ascii"))  # fromhex skips whitespace
    except ValueError:
        return None


def _inflate(data: bytes, most: int = _MAX_TEXT_BYTES) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""
