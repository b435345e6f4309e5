"""Opening of a file to decode, with a check that it is still the file that was hashed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from image_pipeline.files.open_file import LibraryFile, open_anywhere, open_below
from image_pipeline.files.status import FileStatus

AnyPath = str | bytes | os.PathLike[str]
"""A path with any name that the operating system allows, even one that is not UTF-8."""

ImagePath = AnyPath | LibraryFile
"""A picture to open: a file that a user named, or a file of the library, which must be the one that was hashed."""

CHANGED = "The file changed while it was being read; the next run will read it again."


@contextmanager
def open_image(path: ImagePath) -> Iterator[BinaryIO]:
    """Open the regular file at `path` for reading in the block.

    Use what was read from a file of the library only if the block ends without OSError: before and after the block, the
    status of the open file is compared with the status that it had when it was hashed.

    Raises OSError if the file cannot be read, has changed, or is a FIFO, a socket or a device; ValueError for a path
    with a NUL.
    """
    if isinstance(path, LibraryFile):
        name: str | bytes = os.path.join(path.root, path.path)
        opened = open_below(path.root, path.path)
    else:
        name = os.fspath(path)
        opened = open_anywhere(name)
    # with an opener, the file object has a name
    with open(name, "rb", opener=lambda _name, _flags: opened) as file:
        _check(file, path)
        try:
            yield file
        finally:
            _check(file, path)


def _check(file: BinaryIO, path: ImagePath) -> None:
    if isinstance(path, LibraryFile) and FileStatus.of(os.fstat(file.fileno())) != path.status:
        raise OSError(CHANGED)
