"""The box structure of HEIC, AVIF and CR3 files (ISO/IEC 14496-12 and 23008-12): how large, and whether whole.

libheif decodes a file that was cut off without an error, and shows grey where the rest was. The lengths are all in
the boxes, so they are compared with the file's size here.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MAX_BOXES = 4096
_MAX_META_BYTES = 64 << 20
_FULL_BOX_HEADER = 4
_REQUIRED = (b"ftyp", b"meta", b"moov", b"mdat")


@dataclass(frozen=True)
class Box:
    """One box: its type, where its content begins and where the box ends, in bytes from the start of the file."""

    kind: bytes
    start: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes that lie one after the other in `[start, end)`; a box may claim to end beyond `end`."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        size = int.from_bytes(header[:4], "big")
        content = start + 8
        if size == 1:
            size, content = int.from_bytes(header[8:16], "big"), start + 16
        elif size == 0:
            size = end - start
        if size < content - start:
            return
        yield Box(header[4:8], content, start + size)
        start += size


def is_truncated(file: BinaryIO) -> bool:
    """Whether the file ends before a box or an item that it announces does.

    Bytes behind the last box, as some phones append them, are no box that the format knows and do not count.
    """
    size = os.fstat(file.fileno()).st_size
    found: dict[bytes, Box] = {}
    for box in boxes(file, 0, size):
        if box.kind in _REQUIRED:
            if box.end > size:
                return True
            found[box.kind] = box
    if b"meta" not in found:
        return b"moov" not in found  # cut off before either begins
    meta = found[b"meta"]
    locations = next((b for b in boxes(file, meta.start + _FULL_BOX_HEADER, meta.end) if b.kind == b"iloc"), None)
    return locations is not None and _last_byte(_content(file, locations)) > size


def largest_picture(file: BinaryIO) -> int:
    """The pixels of the largest picture that the file announces in an `ispe` property; 0 when it announces none."""
    size = os.fstat(file.fileno()).st_size
    pixels = 0
    for meta in (box for box in boxes(file, 0, size) if box.kind == b"meta"):
        for properties in _inside(file, meta, b"iprp", skip=_FULL_BOX_HEADER):
            for container in _inside(file, properties, b"ipco"):
                for extent in _inside(file, container, b"ispe"):
                    content = _content(file, extent)
                    if len(content) >= 12:
                        width, height = struct.unpack_from(">LL", content, 4)
                        pixels = max(pixels, width * height)
    return pixels


def _inside(file: BinaryIO, box: Box, kind: bytes, skip: int = 0) -> Iterator[Box]:
    return (inner for inner in boxes(file, box.start + skip, box.end) if inner.kind == kind)


def _content(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, _MAX_META_BYTES))


def _last_byte(iloc: bytes) -> int:
    """The end of the extent that reaches furthest into the file, told by an item location box (14496-12, 8.11.3)."""
    furthest = 0
    try:
        version = iloc[0]
        offset_bytes, length_bytes = iloc[4] >> 4, iloc[4] & 15
        base_bytes, index_bytes = iloc[5] >> 4, iloc[5] & 15 if version else 0
        wide = 4 if version == 2 else 2
        at = 6 + wide
        for _ in range(int.from_bytes(iloc[6:at], "big")):
            at += wide
            in_file = True
            if version:
                in_file = iloc[at + 1] & 15 == 0  # otherwise the extent lies in the `idat` box, or in another item
                at += 2
            at += 2
            base = int.from_bytes(iloc[at : at + base_bytes], "big")
            at += base_bytes
            extents = int.from_bytes(iloc[at : at + 2], "big")
            at += 2
            for _ in range(extents):
                if at >= len(iloc):
                    return furthest
                at += index_bytes
                offset = int.from_bytes(iloc[at : at + offset_bytes], "big")
                at += offset_bytes
                length = int.from_bytes(iloc[at : at + length_bytes], "big")
                at += length_bytes
                if in_file:
                    furthest = max(furthest, base + offset + length)
    except IndexError:
        pass  # the box itself is malformed: libheif says so better
    return furthest
