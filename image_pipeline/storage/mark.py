"""Reading and writing of a store's mark, the file `store.json`."""

import os
from pathlib import Path

from image_pipeline.files.store_mark import NAME, Mark, format_mark, parse_mark
from image_pipeline.storage.claims import replacing


def read_mark(home: Path) -> Mark | None:
    """The mark of the folder `home`; None if it has none, and so is not a store.

    Raises OSError if it cannot be read.
    """
    try:
        return parse_mark((home / NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def write_mark(home: Path, library: Path | None = None) -> None:
    """Mark the folder `home` as the store of a library. Raises OSError if the mark cannot be written.

    It is synced to the disk: otherwise a power cut could leave an empty mark, and the folder would not be a store.
    """
    with replacing(home / NAME) as file:
        file.write(format_mark(library))
        file.flush()
        os.fsync(file.fileno())
