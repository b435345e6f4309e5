"""Where the parts of a picture file are, so that mutations can lie about just them.

Each part is a segment, chunk, box or directory entry with a number in it that says how long it is.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

ByteOrder = Literal["big", "little"]

_TIFF_HEADER = re.compile(rb"II\*\0|MM\0\*")
_MAX_PARTS = 400
_NESTED_BOXES = {b"meta": 4, b"moov": 0, b"iprp": 0, b"ipco": 0, b"iinf": 6, b"dinf": 0, b"jp2h": 0}
"""Boxes that hold boxes, with the bytes that come before those."""


@dataclass(frozen=True)
class Number:
    """A whole number that stands in a file."""

    at: int
    size: int
    order: ByteOrder

    def read(self, content: bytes | bytearray) -> int:
        """Its value."""
        return int.from_bytes(content[self.at : self.at + self.size], self.order)

    def write(self, content: bytearray, value: int) -> None:
        """Set its value, of which only the lower bytes are kept."""
        content[self.at : self.at + self.size] = (value % (1 << 8 * self.size)).to_bytes(self.size, self.order)


@dataclass(frozen=True)
class Part:
    """One part of a file, `[start, end)`, and the number that tells its length."""

    start: int
    end: int
    length: Number


def parts(content: bytes) -> list[Part]:
    """The parts of a file of any format, those of EXIF blocks and of nested boxes included."""
    found = [*_format_parts(content), *(part for part, _ in _directory_entries(content))]
    return found[:_MAX_PARTS]


def offsets(content: bytes) -> list[tuple[Number, int]]:
    """The numbers that point to a place in a TIFF structure, each with where the directory is that it belongs to."""
    found = []
    for header in _tiff_headers(content):
        order = _order(content, header)
        first = Number(header + 4, 4, order)
        found.append((first, first.read(content)))
        for part, directory in _entries(content, header, order):
            found.append((Number(part.start + 8, 4, order), directory - header))
        for directory, count in _directories(content, header, order):
            found.append((Number(directory + 2 + 12 * count, 4, order), directory - header))
    return found


def mend_checksums(content: bytes | bytearray) -> bytes:
    """A PNG file with the right checksum in every chunk, so that its lies are believed; other files as they are."""
    if not content.startswith(b"\x89PNG"):
        return bytes(content)
    mended = bytearray(content)
    for part in _png(bytes(content)):
        if part.end <= len(mended):
            data = mended[part.start + 4 : part.end - 4]
            mended[part.end - 4 : part.end] = struct.pack(">L", zlib.crc32(data))
    return bytes(mended)


def _format_parts(content: bytes) -> Iterator[Part]:
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if content.startswith(b"\x89PNG"):
        return _png(content)
    if content.startswith(b"RIFF"):
        return _riff(content)
    if content[4:8] in (b"ftyp", b"JXL ", b"jP  "):
        return _boxes(content, 0, len(content))
    if content.startswith(b"\xff\x4f\xff\x51"):
        return _markers(content, 2)
    if content.startswith(b"8BPS"):
        return _photoshop(content)
    if content.startswith(b"GIF"):
        return _gif(content)
    if content.startswith(b"BM"):
        return iter([Part(0, len(content), Number(2, 4, "little")), Part(14, 54, Number(14, 4, "little"))])
    return iter(())


def _jpeg(content: bytes) -> Iterator[Part]:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        yield Part(at, at + 2 + length, Number(at + 2, 2, "big"))
        is_scan = content[at + 1] == 0xDA
        at += 2 + length
        if is_scan:
            following = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(content, at)
            at = following.start() if following else len(content)


def _png(content: bytes) -> Iterator[Part]:
    at = 8
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        yield Part(at, end, Number(at, 4, "big"))
        at = end


def _riff(content: bytes) -> Iterator[Part]:
    yield Part(0, len(content), Number(4, 4, "little"))
    at = 12
    while at + 8 <= len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        yield Part(at, end, Number(at + 4, 4, "little"))
        at = end


def _boxes(content: bytes, start: int, end: int) -> Iterator[Part]:
    while start + 8 <= end:
        length = int.from_bytes(content[start : start + 4], "big")
        if length < 8:
            return
        yield Part(start, start + length, Number(start, 4, "big"))
        kind = content[start + 4 : start + 8]
        if kind == b"jp2c":
            yield from _markers(content, start + 10)
        if kind in _NESTED_BOXES:
            yield from _boxes(content, start + 8 + _NESTED_BOXES[kind], min(end, start + length))
        start += length


def _markers(content: bytes, at: int) -> Iterator[Part]:
    """The segments of a JPEG 2000 codestream up to its first tile part, and the lengths of its tile parts."""
    while at + 12 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xD9:
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        yield Part(at, at + 2 + length, Number(at + 2, 2, "big"))
        if content[at + 1] == 0x90:
            length = int.from_bytes(content[at + 6 : at + 10], "big") - 2
            yield Part(at, at + 2 + length, Number(at + 6, 4, "big"))
        at += 2 + max(length, 2)


def _photoshop(content: bytes) -> Iterator[Part]:
    """The blocks of a Photoshop document, and its image resources."""
    at = 26
    for block in range(3):
        end = at + 4 + int.from_bytes(content[at : at + 4], "big")
        yield Part(at, end, Number(at, 4, "big"))
        start = at + 4
        while block == 1 and content[start : start + 4] == b"8BIM":
            length = int.from_bytes(content[start + 8 : start + 12], "big")
            following = start + 12 + length + length % 2
            yield Part(start, following, Number(start + 8, 4, "big"))
            start = following
        at = end


def _gif(content: bytes) -> Iterator[Part]:
    at = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    while at < len(content) and content[at] in (0x21, 0x2C):
        start = at
        is_picture = content[at] == 0x2C
        at += 11 if is_picture else 2
        if is_picture and content[start + 9] & 0x80:
            at += 3 << (content[start + 9] & 7) + 1
        first = at
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
        yield Part(start, at, Number(first, 1, "little"))


def _directory_entries(content: bytes) -> Iterator[tuple[Part, int]]:
    for header in _tiff_headers(content):
        yield from _entries(content, header, _order(content, header))


def _tiff_headers(content: bytes) -> list[int]:
    """Where a TIFF structure may begin: a TIFF file's own, or that of an EXIF block."""
    return [match.start() for match in _TIFF_HEADER.finditer(content)][:4]


def _order(content: bytes, header: int) -> ByteOrder:
    return "little" if content[header : header + 1] == b"I" else "big"


def _entries(content: bytes, header: int, order: ByteOrder) -> Iterator[tuple[Part, int]]:
    for directory, count in _directories(content, header, order):
        for index in range(count):
            start = directory + 2 + 12 * index
            yield Part(start, start + 12, Number(start + 4, 4, order)), directory


def _directories(content: bytes, header: int, order: ByteOrder) -> Iterator[tuple[int, int]]:
    """Where each directory of a TIFF structure begins, and how many entries it has."""
    waiting, seen = [Number(header + 4, 4, order).read(content)], {0}
    while waiting and len(seen) < 16:
        offset = waiting.pop()
        directory = header + offset
        if offset in seen or directory + 2 > len(content):
            continue
        seen.add(offset)
        count = Number(directory, 2, order).read(content)
        if directory + 6 + 12 * count > len(content):
            continue
        yield directory, count
        waiting += (
            Number(start + 8, 4, order).read(content)
            for start in range(directory + 2, directory + 2 + 12 * count, 12)
            if Number(start, 2, order).read(content) in (330, 0x8769, 0x8825)
        )
        waiting.append(Number(directory + 2 + 12 * count, 4, order).read(content))
