"""The size of the store on disk, by its parts."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 512  # the unit of `st_blocks`, whatever the block size of the file system


@dataclass(frozen=True)
class StoreSize:
    """Bytes on disk, by name of each entry directly in the store; a lower bound unless `is_whole`."""

    parts: dict[str, int]
    is_whole: bool

    @property
    def total(self) -> int:
        """Bytes of all parts."""
        return sum(self.parts.values())


def size_of_store(home: Path, seconds: float) -> StoreSize:
    """The size of the store at `home`, measured for at most `seconds`, largest part first.

    Blocks are counted instead of lengths, since tensor files are sparse.
    """
    ends_at = time.monotonic() + seconds
    parts: dict[str, int] = {}
    pending = [(entry.name, entry.path) for entry in _entries(home)]
    is_whole = True
    while pending:
        if time.monotonic() > ends_at:
            is_whole = False
            break
        part, path = pending.pop()
        try:
            parts[part] = parts.get(part, 0) + os.lstat(path).st_blocks * _BLOCK_BYTES
        except FileNotFoundError:  # a run has deleted it since
            continue
        pending += [(part, entry.path) for entry in _entries(Path(path))]
    return StoreSize(dict(sorted(parts.items(), key=lambda item: -item[1])), is_whole)


def _entries(directory: Path) -> "list[os.DirEntry[str]]":
    if directory.is_symlink():
        return []
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:  # a file, or it was deleted since
        return []
