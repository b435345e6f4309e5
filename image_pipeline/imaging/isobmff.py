"""The box structure of HEIC, AVIF and CR3 files (ISO/IEC 14496-12 and 23008-12): picture sizes and completeness.

libheif decodes a truncated file without an error, and shows grey where data is missing. All lengths are in the boxes,
so this module compares them with the file's size.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from image_pipeline.imaging.zeros import is_zero

_MAX_BOXES = 4096
_MAX_META_BYTES = 64 << 20
_MAX_ITEMS = 1 << 16
_FULL_BOX_HEADER = 4
_REQUIRED = (b"ftyp", b"meta", b"moov", b"mdat")
_CODECS = (b"hvc1", b"hev1", b"av01", b"avc1", b"jpeg", b"j2k1", b"vvc1")
_ZEROS = 64
"""More zero bytes than a picture ends with in any of these codecs: HEVC forbids three in a row."""


@dataclass(frozen=True)
class Box:
    """One box: its type, where its content begins and where the box ends, in bytes from the start of the file."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True)
class _Extent:
    """The position of some of an item's data, in bytes from the start of the file."""

    item: int
    start: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The consecutive boxes in `[start, end)`; a box may claim to end beyond `end`."""
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


def boxes_within(file: BinaryIO, box: Box, skip: int = 0) -> Iterator[Box]:
    """The boxes in `box`, after its first `skip` bytes, each cut off at the end of `box`.

    Otherwise boxes could contain each other any number of times, and reading a few kilobytes could take hours.
    """
    for inner in boxes(file, box.start + skip, box.end):
        yield Box(inner.kind, inner.start, min(inner.end, box.end))


def is_truncated(file: BinaryIO) -> bool:
    """Whether the file ends within a box or an item that it declares, or its last part was never written.

    Bytes after the last box, which some phones append, are not a box of this format and do not count.
    """
    size = os.fstat(file.fileno()).st_size
    found: dict[bytes, Box] = {}
    for box in boxes(file, 0, size):
        if box.kind in _REQUIRED:
            if box.end > size:
                return True
            found[box.kind] = box
    if b"meta" not in found:
        return b"moov" not in found  # cut off before either box begins
    meta = found[b"meta"]
    locations = next(_inside(file, meta, b"iloc", skip=_FULL_BOX_HEADER), None)
    extents = [] if locations is None else list(_extents(_content(file, locations)))
    if any(extent.end > size for extent in extents):
        return True
    pictures = _coded_pictures(file, meta)
    return any(
        is_zero(file, max(extent.start, extent.end - _ZEROS), extent.end)
        for extent in extents
        if extent.item in pictures
    )


def largest_picture(file: BinaryIO) -> int:
    """The number of pixels of the largest picture that the file declares in an `ispe` property; 0 if there is none."""
    size = os.fstat(file.fileno()).st_size
    pixels = 0
    for meta in (box for box in boxes(file, 0, size) if box.kind == b"meta"):
        for properties in _inside(file, meta, b"iprp", skip=_FULL_BOX_HEADER):
            for container in _inside(file, properties, b"ipco"):
                for extent in _inside(file, container, b"ispe"):
                    content = _content(file, extent, 12)
                    if len(content) >= 12:
                        width, height = struct.unpack_from(">LL", content, 4)
                        pixels = max(pixels, width * height)
    return pixels


def code_points(file: BinaryIO) -> tuple[int, int] | None:
    """The CICP code points of primaries and transfer function in the `colr` box of the primary picture.

    If that has no such box, the first one in the file counts, since the tiles of a picture may have it instead. None if
    there is none.
    """
    size = os.fstat(file.fileno()).st_size
    meta = next((box for box in boxes(file, 0, size) if box.kind == b"meta"), None)
    properties = None if meta is None else next(_inside(file, meta, b"iprp", skip=_FULL_BOX_HEADER), None)
    if meta is None or properties is None:
        return None
    found = {
        number: struct.unpack_from(">HH", content, 4)
        for container in _inside(file, properties, b"ipco")
        for number, one in enumerate(boxes_within(file, container), 1)
        if one.kind == b"colr" and (content := _content(file, one, 11)).startswith(b"nclx") and len(content) >= 8
    }
    primary = next(_inside(file, meta, b"pitm", skip=_FULL_BOX_HEADER), None)
    item = b"" if primary is None else _content(file, primary, 8)
    wanted = int.from_bytes(item[4 : 6 if item[:1] == b"\0" else 8], "big")
    associated = [
        number
        for box in _inside(file, properties, b"ipma")
        for number in _associated(_content(file, box), wanted)
        if number in found
    ]
    return found[associated[0]] if associated else next(iter(found.values()), None)


def sound_tiles(file: BinaryIO) -> tuple[int, int]:
    """How many tiles of the primary picture are in the file, and how many there should be; 0 if it has no tiles."""
    size = os.fstat(file.fileno()).st_size
    meta = next((box for box in boxes(file, 0, size) if box.kind == b"meta"), None)
    if meta is None:
        return 0, 0
    primary = next(_inside(file, meta, b"pitm", skip=_FULL_BOX_HEADER), None)
    item = b"" if primary is None else _content(file, primary, 8)
    wanted = int.from_bytes(item[4 : 6 if item[:1] == b"\0" else 8], "big")
    tiles: list[int] = []
    for references in _inside(file, meta, b"iref", skip=_FULL_BOX_HEADER):
        wide = 4 if _content(file, references, 1) == b"\1" else 2
        for one in _inside(file, references, b"dimg", skip=_FULL_BOX_HEADER):
            content = _content(file, one)
            if int.from_bytes(content[:wide], "big") == wanted:
                ids = content[wide + 2 :]
                tiles = [int.from_bytes(ids[at : at + wide], "big") for at in range(0, len(ids) - wide + 1, wide)]
    locations = next(_inside(file, meta, b"iloc", skip=_FULL_BOX_HEADER), None)
    extents = [] if locations is None else list(_extents(_content(file, locations)))
    there = {extent.item for extent in extents}
    missing = {
        extent.item
        for extent in extents
        if extent.end > size or is_zero(file, max(extent.start, extent.end - _ZEROS), extent.end)
    }
    return len([tile for tile in tiles if tile in there and tile not in missing]), len(tiles)


def _associated(ipma: bytes, wanted: int) -> list[int]:
    """The numbers of the properties of item `wanted`, from an item property association box (23008-12, 9.3)."""
    with suppress(IndexError):  # cut off
        wide, large = (4 if ipma[0] else 2), ipma[3] & 1
        at = 8
        for _ in range(min(_MAX_ITEMS, int.from_bytes(ipma[4:8], "big"))):
            item, count = int.from_bytes(ipma[at : at + wide], "big"), ipma[at + wide]
            at += wide + 1
            entries = ipma[at : at + count * (1 + large)]
            at += len(entries)
            if item == wanted:
                step = 1 + large
                mask = 0x7FFF if large else 0x7F
                return [int.from_bytes(entries[n : n + step], "big") & mask for n in range(0, len(entries), step)]
    return []


def _inside(file: BinaryIO, box: Box, kind: bytes, skip: int = 0) -> Iterator[Box]:
    return (inner for inner in boxes_within(file, box, skip) if inner.kind == kind)


def _content(file: BinaryIO, box: Box, most: int = _MAX_META_BYTES) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, most))


def _coded_pictures(file: BinaryIO, meta: Box) -> set[int]:
    """The numbers of the items that hold compressed pixels, from the item information box (14496-12, 8.11.6)."""
    found = set()
    for table in _inside(file, meta, b"iinf", skip=_FULL_BOX_HEADER):
        version = _content(file, table, 1)
        for entry in _inside(file, table, b"infe", skip=_FULL_BOX_HEADER + (2 if version == b"\0" else 4)):
            content = _content(file, entry, 16)
            wide = 4 if content[:1] == b"\3" else 2
            if content[6 + wide : 10 + wide] in _CODECS:
                found.add(int.from_bytes(content[4 : 4 + wide], "big"))
    return found


def _extents(iloc: bytes) -> Iterator[_Extent]:
    """The extents of an item location box (14496-12, 8.11.3) that are in the file, up to the first malformed one."""
    with suppress(IndexError):  # libheif reports the damage better
        version = iloc[0]
        offset_bytes, length_bytes = iloc[4] >> 4, iloc[4] & 15
        base_bytes, index_bytes = iloc[5] >> 4, iloc[5] & 15 if version else 0
        wide = 4 if version == 2 else 2
        at = 6 + wide
        for _ in range(min(_MAX_ITEMS, int.from_bytes(iloc[6:at], "big"))):
            item = int.from_bytes(iloc[at : at + wide], "big")
            at += wide
            in_file = True
            if version:
                in_file = iloc[at + 1] & 15 == 0  # otherwise it is in the `idat` box, or in a different item
                at += 2
            at += 2
            base = int.from_bytes(iloc[at : at + base_bytes], "big")
            at += base_bytes
            extents = int.from_bytes(iloc[at : at + 2], "big")
            at += 2
            for _ in range(extents):
                # Entries of zero bytes could be repeated any number of times.
                if at + index_bytes + offset_bytes + length_bytes > len(iloc) or not offset_bytes + length_bytes:
                    return
                at += index_bytes
                start = base + int.from_bytes(iloc[at : at + offset_bytes], "big")
                at += offset_bytes
                length = int.from_bytes(iloc[at : at + length_bytes], "big")
                at += length_bytes
                if in_file:
                    yield _Extent(item, start, start + length)
