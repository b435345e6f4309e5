"""Opening a file that is to be decoded, without waiting for one that nobody writes to."""

import errno
import os
import stat
from typing import BinaryIO

AnyPath = str | bytes | os.PathLike[str]
"""A path of any name that the operating system allows, also one that is not UTF-8."""


def open_image(path: AnyPath) -> BinaryIO:
    """The regular file at `path`, to be read.

    Raises OSError where it cannot be read, or is a FIFO, a socket or a device; ValueError for a path with a NUL.
    """
    return open(path, "rb", opener=_open_at_once)


def _open_at_once(path: str | bytes, flags: int) -> int:
    # O_NONBLOCK: to open a FIFO would block until somebody wrote to it.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file", path)
    return descriptor
