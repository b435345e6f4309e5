"""Opening a file that is to be decoded, and seeing that it stays the one that was hashed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from image_pipeline.files.open_file import LibraryFile, open_anywhere, open_below
from image_pipeline.files.status import FileStatus

AnyPath = str | bytes | os.PathLike[str]
"""A path of any name that the operating system allows, also one that is not UTF-8."""

ImagePath = AnyPath | LibraryFile
"""A picture: a file that a person named, or one of the library, which has to be the one that was hashed."""

CHANGED = "The file changed while it was read; it is read again in the next run."


@contextmanager
def open_image(path: ImagePath) -> Iterator[BinaryIO]:
    """The regular file at `path`, to be read in the block.

    What was read of a file of the library counts only where the block ends without OSError: the descriptor that it was
    read from had the status that was hashed before it was read, and has it still.

    Raises OSError where it cannot be read, changed, or is a FIFO, a socket or a device; ValueError for a path with a
    NUL.
    """
    if isinstance(path, LibraryFile):
        name: str | bytes = os.path.join(path.root, path.path)
        opened = open_below(path.root, path.path)
    else:
        name = os.fspath(path)
        opened = open_anywhere(name)
    # so opened, the file has a name
    with open(name, "rb", opener=lambda _name, _flags: opened) as file:
        _check(file, path)
        try:
            yield file
        finally:
            _check(file, path)


def _check(file: BinaryIO, path: ImagePath) -> None:
    if isinstance(path, LibraryFile) and FileStatus.of(os.fstat(file.fileno())) != path.status:
        raise OSError(CHANGED)
