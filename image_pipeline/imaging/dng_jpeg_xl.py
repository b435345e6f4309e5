"""DNG files whose sensor data is compressed as JPEG XL (DNG 1.7), which LibRaw does not decode.

A copy with uncompressed sensor data is made for LibRaw, so that colours are developed in one place. It is the same
file, with the samples and a new directory behind it, and with the pointer to the old directory changed.
"""

import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from image_pipeline.imaging.picture import check_pixels
from image_pipeline.imaging.tiff import file_size
from image_pipeline.schema.outcome import ImageError, Reason

_SHORT, _LONG = 3, 4
_NEW_SUBFILE_TYPE, _BITS, _COMPRESSION, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 258, 259, 262, 330, 50706
_STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 278, 279
_REPLACED = frozenset((_BITS, _COMPRESSION, _STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_BYTES, 317, *range(322, 326)))
_REPLACED |= frozenset((52553, 52554, 52555))
"""The tags that describe how samples are stored, and the settings of the JPEG XL encoder."""
_ROW_INTERLEAVE, _COLUMN_INTERLEAVE = 50975, 52547
_MOSAIC_PHOTOMETRICS = (32803, 34892)
_JPEG_XL = (50002, 52546)
_MOST_DIRECTORIES, _MOST_ENTRIES, _ENTRY_BYTES = 32, 1024, 12
_HEADERS = (b"II*\0", b"MM\0*")

_Entry = tuple[int, int, bytes]
"""Type, number of values, and the four bytes of the values or of their offset."""


@dataclass(frozen=True)
class _Directory:
    offset: int
    pointer: int
    """The position of the number that is `offset`."""
    entries: dict[int, _Entry]
    following: bytes
    order: str

    def value(self, tag: int) -> int:
        """The only value of a tag, or the first of two SHORTs; 0 if there is none."""
        kind, _, value = self.entries.get(tag, (_LONG, 0, bytes(4)))
        return int(struct.unpack_from(self.order + ("H" if kind == _SHORT else "L"), value)[0])


def without_jpeg_xl(file: BinaryIO, max_pixels: int) -> BinaryIO | None:
    """A temporary copy of a DNG, with its sensor data uncompressed; None if it is not compressed as JPEG XL.

    Raises ImageError if the sensor data is incomplete, damaged or of an unsupported kind.
    """
    directories = list(_directories(file))
    if not directories or _DNG_VERSION not in directories[0].entries:
        return None
    sensor = next((one for one in directories if _is_sensor_in_jpeg_xl(one)), None)
    if sensor is None:
        return None
    if sensor.value(_ROW_INTERLEAVE) > 1 or sensor.value(_COLUMN_INTERLEAVE) > 1:
        raise ImageError(Reason.UNSUPPORTED, "a DNG with an interleaved mosaic in JPEG XL is not supported")
    check_pixels(sensor.value(256) * sensor.value(257), max_pixels)
    samples = _samples(file, sensor)
    return _copy(file, sensor, samples)


def _is_sensor_in_jpeg_xl(directory: _Directory) -> bool:
    return (
        directory.value(_NEW_SUBFILE_TYPE) == 0
        and directory.value(_COMPRESSION) in _JPEG_XL
        and directory.value(_PHOTOMETRIC) in _MOSAIC_PHOTOMETRICS
    )


def _samples(file: BinaryIO, sensor: _Directory) -> np.ndarray:
    import tifffile  # only few libraries have such a file

    file.seek(0)
    container = tifffile.TiffFile(file, name="raw", _multifile=False)
    container.filehandle.seek(sensor.offset)
    page = tifffile.TiffPage(container, index=0)
    size, parts = file_size(file), zip(page.dataoffsets, page.databytecounts, strict=True)
    if any(not start or start + count > size for start, count in parts):
        raise ImageError(Reason.TRUNCATED, "part of the sensor data that the file declares is missing")
    samples = np.asarray(page.asarray(maxworkers=1))
    bits = page.bitspersample
    if samples.dtype not in (np.uint8, np.uint16) or bits != 8 * samples.dtype.itemsize or page.planarconfig != 1:
        raise ImageError(Reason.UNSUPPORTED, f"a DNG with {bits}-bit samples in JPEG XL is not supported")
    return samples


def _copy(file: BinaryIO, sensor: _Directory, samples: np.ndarray) -> BinaryIO:
    order = sensor.order
    content = samples.astype(samples.dtype.newbyteorder(">" if order == ">" else "<")).tobytes()
    bands = 1 if samples.ndim == 2 else samples.shape[2]
    copy = _temporary_file()
    file.seek(0)
    copy.write(file.read())
    at = _write(copy, content)
    bits = struct.pack(f"{order}{max(2, bands)}H", *[8 * samples.dtype.itemsize] * max(2, bands))
    if bands > 2:
        bits = struct.pack(order + "L", _write(copy, bits))
    entries = {tag: entry for tag, entry in sensor.entries.items() if tag not in _REPLACED}
    entries[_BITS] = (_SHORT, bands, bits)
    entries[_COMPRESSION] = (_SHORT, 1, struct.pack(order + "HH", 1, 0))
    for tag, value in ((_STRIP_OFFSETS, at), (_ROWS_PER_STRIP, samples.shape[0]), (_STRIP_BYTES, len(content))):
        entries[tag] = (_LONG, 1, struct.pack(order + "L", value))
    lines = (struct.pack(order + "HHL", tag, *entry[:2]) + entry[2] for tag, entry in sorted(entries.items()))
    directory = _write(copy, struct.pack(order + "H", len(entries)) + b"".join(lines) + sensor.following)
    copy.seek(sensor.pointer)
    copy.write(struct.pack(order + "L", directory))
    copy.flush()
    return copy


def _temporary_file() -> BinaryIO:
    """A file that exists only while it is open; in memory, if the system can do that."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("raw"), "w+b")
    return tempfile.TemporaryFile()


def _write(file: BinaryIO, content: bytes) -> int:
    """Write `content` at an even offset, as TIFF wants it, and return that."""
    file.write(bytes(file.tell() % 2))
    at = file.tell()
    file.write(content)
    return at


def _directories(file: BinaryIO) -> Iterator[_Directory]:
    """The directories of the chain, and those below each, without repetition."""
    file.seek(0)
    header = file.read(8)
    if not header.startswith(_HEADERS) or len(header) < 8:
        return
    order = "<" if header.startswith(b"II") else ">"
    waiting, seen = [(int(struct.unpack_from(order + "L", header, 4)[0]), 4)], {0}
    while waiting and len(seen) <= _MOST_DIRECTORIES:
        at, pointer = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        file.seek(at)
        count = file.read(2)
        number = min(_MOST_ENTRIES, struct.unpack(order + "H", count)[0]) if len(count) == 2 else 0
        table = file.read(_ENTRY_BYTES * number + 4)
        if not number or len(table) < _ENTRY_BYTES * number + 4:
            continue
        entries: dict[int, _Entry] = {}
        for start in range(0, _ENTRY_BYTES * number, _ENTRY_BYTES):
            tag, kind, values = struct.unpack_from(order + "HHL", table, start)
            entries[tag] = kind, values, table[start + 8 : start + 12]
            if tag == _SUB_IFDS:
                waiting += _below(file, entries[tag], at + 2 + start + 8, order)
        yield _Directory(at, pointer, entries, table[-4:], order)
        waiting.append((struct.unpack(order + "L", table[-4:])[0], at + 2 + _ENTRY_BYTES * number))


def _below(file: BinaryIO, entry: _Entry, position: int, order: str) -> list[tuple[int, int]]:
    """The offsets of sub-directories, each with the position of that number."""
    _, count, value = entry
    (first,) = struct.unpack(order + "L", value)
    if count <= 1:
        return [(first, position)] * count
    file.seek(first)
    data = file.read(4 * min(count, _MOST_DIRECTORIES))
    offsets = struct.unpack(f"{order}{len(data) // 4}L", data[: len(data) // 4 * 4])
    return [(offset, first + 4 * number) for number, offset in enumerate(offsets)]
