"""Opening a file of the library to read: the file that was listed, and nothing that has taken its place since."""

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from image_pipeline.files.names import from_text


def open_file(root: Path, path: str) -> FileIO:
    """The regular file `path` (text, relative to the library `root`), unbuffered.

    Raises OSError where it cannot be read, is gone, or is a link, a FIFO or a device by now.
    """
    # O_NONBLOCK: to open a FIFO would block for ever
    descriptor = os.open(root / from_text(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file")
        return open(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise
