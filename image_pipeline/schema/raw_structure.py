"""Detection of RAW files by the tables of their TIFF directories.

Most RAWs are TIFF files whose first directory holds a thumbnail: read as a TIFF, they yield that thumbnail without an
error. Discovery calls this for any file, in the process that holds the models. So only the tables are read: a limited
number of them, and no value whose length the file determines.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIG_MAGICS = (b"II+\0", b"MM\0+")

_MOST_TABLES, _MOST_ENTRIES, _MOST_BELOW = 32, 1024, 16
_HEADER_BYTES, _ENTRY_BYTES = 8, 12
_SHORT = 3

_NEW_SUBFILE_TYPE, _WIDTH, _LENGTH, _COMPRESSION, _PHOTOMETRIC, _MAKE = 254, 256, 257, 259, 262, 271
_SUB_IFDS, _DNG_VERSION = 330, 50706
_MOSAIC_PHOTOMETRICS = frozenset((32803, 34892))
"""Colour filter array, linear raw (TIFF/EP, DNG)."""
_OWN_PHOTOMETRICS = frozenset((*range(7), 8, 9, 10))
"""TIFF 6.0 and its technical notes: grey, RGB, palette, mask, CMYK, YCbCr, three kinds of Lab."""
_MAKERS_COMPRESSIONS = frozenset((262, 32767, 32769, 32770, 34713, 65000, 65535))
"""The makers' own: Kodak's old one, Sony's, packed sensor values, Samsung's, Nikon's, Kodak's, Pentax's."""

_Table = dict[int, tuple[int, int]]
"""For each tag, the number of its values, and the first value if it is in the table, else the offset of the values."""


@dataclass(frozen=True)
class TiffStructure:
    """Facts from the tables of a TIFF structure.

    `is_raw`: it is a camera's RAW; `names_maker`: the first directory names the maker of a device; `pictures`: the
    sizes, in pixels, of the pictures in one of TIFF's own colour spaces, each with its shorter side first.
    """

    is_raw: bool
    names_maker: bool
    pictures: frozenset[tuple[int, int]]


def read_structure(file: BinaryIO) -> TiffStructure:
    """Read the tables of `file`, which begins like a TIFF file.

    The result is empty for a BigTIFF, which no camera writes. Raises OSError if the file cannot be read.
    """
    tables = list(_tables(file))
    first: _Table = tables[0] if tables else {}
    return TiffStructure(
        is_raw=_DNG_VERSION in first or any(map(_is_sensor, tables)) or _is_cameras_preview(first),
        names_maker=_MAKE in first,
        pictures=frozenset(
            (min(table[_WIDTH][1], table[_LENGTH][1]), max(table[_WIDTH][1], table[_LENGTH][1]))
            for table in tables
            if {_WIDTH, _LENGTH} <= table.keys() and _value(table, _PHOTOMETRIC) in _OWN_PHOTOMETRICS
        ),
    )


def is_table_cut_off(file: BinaryIO, size: int) -> bool:
    """Whether a file of `size` bytes ends within the table of its first directory; always False for a BigTIFF."""
    header = _read(file, 0, _HEADER_BYTES)
    if header.startswith(_BIG_MAGICS) or len(header) < _HEADER_BYTES:
        return False
    order = _order(header)
    (at,) = struct.unpack_from(order + "L", header, 4)
    count = _read(file, at, 2)
    return len(count) < 2 or at + 2 + _ENTRY_BYTES * int(struct.unpack(order + "H", count)[0]) > size


def _is_sensor(table: _Table) -> bool:
    return _value(table, _PHOTOMETRIC) in _MOSAIC_PHOTOMETRICS or _value(table, _COMPRESSION) in _MAKERS_COMPRESSIONS


def _is_cameras_preview(first: _Table) -> bool:
    """Whether the first directory is one that cameras write and scanners do not.

    It holds a small preview and names a maker, and the picture itself is in a sub-directory. This also recognises a RAW
    whose sensor data was removed together with its directory.
    """
    is_reduced = (_value(first, _NEW_SUBFILE_TYPE) or 0) & 1 == 1
    return is_reduced and _SUB_IFDS in first and _MAKE in first


def _value(table: _Table, tag: int) -> int | None:
    return table[tag][1] if tag in table else None


def _tables(file: BinaryIO) -> Iterator[_Table]:
    """The tables of the chain of directories, and of the directories below each, without repetition."""
    header = _read(file, 0, _HEADER_BYTES)
    if header.startswith(_BIG_MAGICS) or len(header) < _HEADER_BYTES:
        return
    order = _order(header)
    waiting, seen = [int(struct.unpack_from(order + "L", header, 4)[0])], {0}
    while waiting and len(seen) <= _MOST_TABLES:
        at = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        table, following = _table(file, at, order)
        yield table
        waiting += [*_below(file, table, order), following]


def _table(file: BinaryIO, at: int, order: str) -> tuple[_Table, int]:
    """The table at byte `at`, as far as the file has it, and the offset of the next one in the chain."""
    count = _read(file, at, 2)
    if len(count) < 2:
        return {}, 0
    (entries,) = struct.unpack(order + "H", count)
    data = _read(file, at + 2, _ENTRY_BYTES * min(entries, _MOST_ENTRIES) + 4)
    table: _Table = {}
    for start in range(0, min(len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES * entries), _ENTRY_BYTES):
        tag, kind, number = struct.unpack_from(order + "HHL", data, start)
        is_short_inside = kind == _SHORT and number <= 2
        (value,) = struct.unpack_from(order + ("H" if is_short_inside else "L"), data, start + 8)
        table[tag] = number, value
    is_whole = entries <= _MOST_ENTRIES and len(data) == _ENTRY_BYTES * entries + 4
    return table, struct.unpack_from(order + "L", data, len(data) - 4)[0] if is_whole else 0


def _below(file: BinaryIO, table: _Table, order: str) -> list[int]:
    number, value = table.get(_SUB_IFDS, (0, 0))
    if number <= 1:
        return [value] * number
    data = _read(file, value, 4 * min(number, _MOST_BELOW))
    return list(struct.unpack(f"{order}{len(data) // 4}L", data[: len(data) // 4 * 4]))


def _order(header: bytes) -> str:
    return "<" if header.startswith(b"II") else ">"


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
