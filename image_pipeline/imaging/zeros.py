"""Files of the right length whose end was never written: there are zeros where the picture data should be.

That is what a copy leaves that was interrupted by a power failure, or that reserved its room beforehand. The decoders
of these formats have no checksums, and show grey or noise without an error.
"""

from typing import BinaryIO

_BLOCK = 1 << 16
_SHARE = 10
_LEAST = 64


def ends_in_zeros(file: BinaryIO, start: int, end: int) -> bool:
    """Whether the last tenth of the bytes `[start, end)`, and 64 at least, are zeros.

    A tenth, since a picture of one colour in lossy WebP may end in a twentieth of zeros.
    """
    return is_zero(file, max(start, end - max(_LEAST, (end - start) // _SHARE)), end)


def is_zero(file: BinaryIO, start: int, end: int) -> bool:
    """Whether there are at least 64 bytes in `[start, end)`, all of them in the file, and all zeros."""
    if end - start < _LEAST:
        return False
    # From the end: in a sound file the first look is enough.
    for at in range(end, start, -_BLOCK):
        begin = max(start, at - _BLOCK)
        file.seek(begin)
        block = file.read(at - begin)
        if len(block) < at - begin or block.strip(b"\0"):
            return False
    return True
