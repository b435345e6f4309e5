"""Directories of TIFF structures: in TIFF files, in RAWs with the same structure, and in EXIF blocks.

Pillow's directory class does the reading; this module turns its exceptions into missing tags, since a camera's tenth
directory may be damaged or proprietary although the first nine are useful.
"""

import io
import os
import struct
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2

Directory = dict[int, Any]
"""Values by tag number: a number, a text, bytes, or a tuple of numbers."""

_SUB_IFDS = 330
_IMAGE_WIDTH, _IMAGE_LENGTH = 256, 257
_STRIPS, _TILES = (273, 279), (324, 325)
_MAX_DIRECTORIES = 64
_ENTRY_BYTES = 12
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""The size of one value, by field type (TIFF 6.0, section 2)."""
_DATA_ERRORS = (OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, ArithmeticError, AttributeError)


@dataclass(frozen=True)
class TiffReader:
    """Reads the directories of a TIFF structure that begins at byte 0 of `file`."""

    file: BinaryIO
    byte_order: bytes
    first_offset: int
    big: bool = False
    """Whether it is a BigTIFF; only little-endian ones are read."""

    @classmethod
    def open(cls, file: BinaryIO) -> "TiffReader | None":
        """A reader for `file`, or None if it is not a TIFF structure; accepts Olympus' and Panasonic's variants."""
        file.seek(0)
        header = file.read(16)
        order = header[:2]
        if order not in (b"II", b"MM") or len(header) < 8:
            return None
        if header.startswith(b"II+\0"):
            return cls(file, order, int.from_bytes(header[8:16], "little"), big=True)
        return cls(file, order, int.from_bytes(header[4:8], "little" if order == b"II" else "big"))

    @classmethod
    def of_exif(cls, block: bytes) -> "TiffReader | None":
        """A reader for an EXIF block, with or without its `Exif` prefix."""
        while block.startswith(b"Exif\0\0"):
            block = block[6:]
        return cls.open(io.BytesIO(block))

    def first(self) -> Directory:
        """The first directory."""
        return self.at(self.first_offset)

    def at(self, offset: object) -> Directory:
        """The directory at byte `offset`; empty if there is none."""
        return self._load(offset)[0]

    def all(self) -> Iterator[Directory]:
        """Every directory of the chain and the sub-directories of each, without repetition."""
        return (directory for _, directory in self.walk())

    def walk(self) -> Iterator[tuple[int, Directory]]:
        """Like `all`, but each directory with its offset."""
        waiting, seen = deque([self.first_offset]), {0}
        while waiting and len(seen) <= _MAX_DIRECTORIES:
            offset = waiting.popleft()
            if offset in seen:
                continue
            seen.add(offset)
            directory, following = self._load(offset)
            yield offset, directory
            waiting += dict.fromkeys(numbers(directory, _SUB_IFDS))
            waiting.append(following)

    def values_end(self, offset: int, tags: range) -> int:
        """The largest end offset of the values of `tags` that the directory at `offset` stores outside its table.

        0 if there are none, and for a BigTIFF.
        """
        order = "<" if self.byte_order == b"II" else ">"
        self.file.seek(offset)
        count = self.file.read(2)
        entries = self.file.read(_ENTRY_BYTES * struct.unpack(order + "H", count)[0]) if len(count) == 2 else b""
        furthest = 0
        whole = len(entries) - len(entries) % _ENTRY_BYTES
        for tag, kind, number, at in struct.iter_unpack(order + "HHLL", entries[:whole] if not self.big else b""):
            length = number * _TYPE_BYTES.get(kind, 0)
            if tag in tags and length > 4:
                furthest = max(furthest, at + length)
        return furthest

    def _load(self, offset: object) -> tuple[Directory, int]:
        if not isinstance(offset, int) or not 0 < offset < 1 << 63:
            return {}, 0
        # A standard header is passed, since the class rejects the variants of Olympus and Panasonic.
        if self.big:
            header = b"II+\0" + bytes(12)
        else:
            header = self.byte_order + (b"*\0" if self.byte_order == b"II" else b"\0*") + bytes(4)
        reader = ImageFileDirectory_v2(header)
        directory: Directory = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.file.seek(offset)
                reader.load(self.file)
            except _DATA_ERRORS:
                pass  # what was read before the error is kept
            for tag in list(reader):
                try:
                    directory[tag] = reader[tag]
                except _DATA_ERRORS:
                    continue
        following = reader.next if isinstance(reader.next, int) else 0
        return directory, following


def file_size(file: BinaryIO) -> int:
    """The size of `file` in bytes; afterwards, the position is at the end."""
    return file.seek(0, os.SEEK_END)


def data_end(directory: Directory) -> int | None:
    """The end of the picture data that a directory points to, in bytes; None if it points to none."""
    span = data_span(directory)
    return span[1] if span else None


def data_span(directory: Directory) -> tuple[int, int] | None:
    """The start and end of the picture data that a directory points to, in bytes; None if it points to none."""
    offsets, counts = _STRIPS if _STRIPS[0] in directory else _TILES
    starts, lengths = numbers(directory, offsets), numbers(directory, counts)
    strips = [(start, start + length) for start, length in zip(starts, lengths, strict=False)]
    return (min(start for start, _ in strips), max(end for _, end in strips)) if strips else None


def pixels(directory: Directory) -> int:
    """The number of pixels of the picture that a directory describes; 0 if it describes none."""
    width, height = numbers(directory, _IMAGE_WIDTH), numbers(directory, _IMAGE_LENGTH)
    return width[0] * height[0] if width and height else 0


def numbers(directory: Directory, tag: int) -> tuple[int, ...]:
    """The integers of a tag; empty if the tag is missing or of a different type."""
    value = directory.get(tag, ())
    values = value if isinstance(value, tuple) else (value,)
    return tuple(number for number in values if isinstance(number, int))
