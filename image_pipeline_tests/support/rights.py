"""Rights of files and directories that count, even where the tests run as root."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION_3 = 0x20080522  # of Linux' interface for capabilities: two sets of 32 bits each
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH

_Sets = ctypes.c_uint32 * 6  # effective, permitted, inheritable; twice


@contextmanager
def unprivileged() -> Iterator[None]:
    """A block in which this thread, and those that it begins, may do no more than the rights of files allow it."""
    if os.geteuid() != 0:
        yield
        return
    before = _capabilities("capget", _Sets())
    _capabilities("capset", _Sets(before[0] & ~_OVERRIDES, *before[1:]))
    try:
        yield
    finally:
        _capabilities("capset", before)


def _capabilities(call: str, sets: "ctypes.Array[ctypes.c_uint32]") -> "ctypes.Array[ctypes.c_uint32]":
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    if getattr(libc, call)(header, sets) != 0:
        raise OSError(ctypes.get_errno(), call)
    return sets
