"""Safe opening of files in the library: never through a link, and never outside the library.

Below the root, links are not followed in any part of the path. Each directory is opened relative to the one above it,
so there is no moment at which it could be replaced by a link to outside the library. The root itself may be a link.
Linux can do this in one call (`openat2`), but Python does not offer it, and other systems do not have it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from image_pipeline.files.names import from_text
from image_pipeline.files.status import FileStatus

# O_NONBLOCK: opening a FIFO would block until a process opened it for writing
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

NO_DIRECTORY = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""The errors for a path that does not exist, or is a link or a file instead of a directory."""


@dataclass(frozen=True)
class LibraryFile:
    """A file of the library as it was hashed; `root` and `path`, relative to it, are for Python's `os` functions."""

    root: str
    path: str
    status: FileStatus

    def is_unchanged(self) -> bool:
        """Whether the file is still as it was when it was hashed."""
        try:
            descriptor = open_below(self.root, self.path)
        except OSError:
            return False
        try:
            return FileStatus.of(os.fstat(descriptor)) == self.status
        finally:
            os.close(descriptor)


@contextmanager
def open_directory(root: str | os.PathLike[str], relative: str) -> Iterator[int]:
    """A descriptor of the directory `relative` (for Python's `os` functions; `.` is the library itself).

    Raises OSError if it cannot be opened; the error is one of `NO_DIRECTORY` if it is gone, or behind a link.
    """
    descriptor = _directory(root, [] if relative == "." else relative.split("/"))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_below(root: str | os.PathLike[str], relative: str) -> int:
    """A read-only descriptor of the regular file `relative` (for Python's `os` functions).

    Raises OSError if it cannot be read, is gone, is a FIFO, a device or a link, or is behind a link.
    """
    *directories, name = relative.split("/")
    directory = _directory(root, directories)
    try:
        return regular(os.open(name, _FILE | os.O_NOFOLLOW, dir_fd=directory))
    finally:
        os.close(directory)


def find_below(root: str | os.PathLike[str], relative: str) -> LibraryFile:
    """The regular file `relative` (for Python's `os` functions) with its present status.

    Raises OSError as `open_below` does, and if `relative` is not a path below the root; ValueError if it contains a
    NUL.
    """
    if {"", ".", ".."}.intersection(relative.split("/")):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), relative)
    descriptor = open_below(root, relative)
    try:
        return LibraryFile(os.fspath(root), relative, FileStatus.of(os.fstat(descriptor)))
    finally:
        os.close(descriptor)


def open_anywhere(path: str | bytes) -> int:
    """A read-only descriptor of the regular file at `path`, which a person gave; links are followed.

    Raises OSError if it cannot be read, or is a FIFO, a socket or a device; ValueError if the path contains a NUL.
    """
    return regular(os.open(path, _FILE))


def open_file(root: Path, path: str) -> FileIO:
    """Open the regular file `path` (text, relative to the library `root`), unbuffered.

    Raises OSError as `open_below` does.
    """
    return open(open_below(root, from_text(path)), "rb", buffering=0)


def regular(descriptor: int) -> int:
    """`descriptor`, if it is of a regular file; otherwise closes it and raises OSError."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file")
    return descriptor


def _directory(root: str | os.PathLike[str], names: list[str]) -> int:
    descriptor = os.open(root, _DIRECTORY)
    for name in names:
        above = descriptor
        try:
            descriptor = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
    return descriptor
