"""The XMP packet of a GIF file (GIF89a specification; XMP specification part 3, section 1.1.2)."""

from typing import BinaryIO

_HEADER_BYTES = 13
_XMP_APPLICATION = b"XMP DataXMP"
_MAX_PACKET = 16 << 20
_MAX_BLOCKS = 200_000
_FIRST_READ_BYTES, _READ_BYTES = 64, 1 << 16


def gif_xmp(file: BinaryIO) -> bytes | None:
    """The XMP packet of a GIF file, before or after its pictures; None if there is none.

    It is not in blocks like the other data: the bytes of the packet are followed by a trailer which leads programs that
    expect blocks to the end.
    """
    file.seek(0)
    at = _HEADER_BYTES + _colours(file.read(_HEADER_BYTES)[10:11])
    for _ in range(_MAX_BLOCKS):
        file.seek(at)
        head = file.read(14)
        if head[:3] == b"\x21\xff\x0b" and head[3:14] == _XMP_APPLICATION:
            return _packet(file)
        if head[:1] == b"\x21":
            end = _end_of_blocks(file, at + 2)
        elif head[:1] == b"\x2c":
            end = _end_of_blocks(file, at + 11 + _colours(head[9:10]))
        else:
            return None
        if end is None:
            return None
        at = end
    return None


def _colours(flags: bytes) -> int:
    """The size of the colour table that these flags announce, in bytes."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _end_of_blocks(file: BinaryIO, at: int) -> int | None:
    """The offset after the blocks at `at`, each of which begins with its length; None if the file ends before."""
    buffer, start, size = b"", at, _FIRST_READ_BYTES
    while True:
        if at - start >= len(buffer):
            file.seek(at)
            buffer, start, size = file.read(size), at, min(2 * size, _READ_BYTES)
            if not buffer:
                return None
        length = buffer[at - start]
        at += 1 + length
        if length == 0:
            return at


def _packet(file: BinaryIO) -> bytes | None:
    content = file.read(_MAX_PACKET)
    end = content.find(b"\x01\xff\xfe\xfd")  # the beginning of the trailer
    return content[:end] if end >= 0 else None
