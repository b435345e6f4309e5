"""Detection of unwritten data: files of the right length that end in zeros instead of picture data.

An interrupted copy leaves such a file after a power failure, or if it had reserved the file's space. The decoders of
these formats verify no checksums, and show grey or noise without an error.
"""

from typing import BinaryIO

_BLOCK = 1 << 16
_SHARE = 10
_LEAST = 64


def ends_in_zeros(file: BinaryIO, start: int, end: int) -> bool:
    """Whether the last tenth of the bytes `[start, end)`, at least 64 bytes, is all zeros.

    A tenth, since in a sound lossy WebP of one colour, the last twentieth may be zeros.
    """
    return is_zero(file, max(start, end - max(_LEAST, (end - start) // _SHARE)), end)


def is_zero(file: BinaryIO, start: int, end: int) -> bool:
    """Whether `[start, end)` has at least 64 bytes, all of them in the file and zero."""
    if end - start < _LEAST:
        return False
    # From the end: in a sound file, the first block is enough.
    for at in range(end, start, -_BLOCK):
        begin = max(start, at - _BLOCK)
        file.seek(begin)
        block = file.read(at - begin)
        if len(block) < at - begin or block.strip(b"\0"):
            return False
    return True
