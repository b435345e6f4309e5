"""Ranges of bytes in requests (RFC 9110, 14): one range; of several, the whole file is sent, as the RFC permits."""

import re

_ONE = re.compile(r"\s*bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)


class OutsideError(Exception):
    """No byte of the range exists."""


def wanted_range(header: str | None, size: int) -> range | None:
    """The positions of the bytes that a `Range` asks for, of `size` bytes; None for all of them.

    Raises OutsideError if there are none.
    """
    found = None if header is None else _ONE.fullmatch(header)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:  # the last bytes
        length = min(int(found[2]), size)
        if not length:
            raise OutsideError
        return range(size - length, size)
    first = int(found[1])
    if found[2] and int(found[2]) < first:  # no range: it is ignored
        return None
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if first >= size:
        raise OutsideError
    return range(first, last + 1)
