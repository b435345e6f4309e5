"""How much disk the store takes, by its parts."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 512  # of `st_blocks`, whatever the file system's own are


@dataclass(frozen=True)
class StoreSize:
    """Bytes on disk, by the name of what lies directly in the store; unless it `is_whole`, the least that it is."""

    parts: dict[str, int]
    is_whole: bool

    @property
    def total(self) -> int:
        """Bytes of all parts."""
        return sum(self.parts.values())


def size_of_store(home: Path, seconds: float) -> StoreSize:
    """What the store at `home` takes, looked at for `seconds` at most; the largest part comes first.

    Blocks are counted, not lengths: files of tensors have holes.
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
        except FileNotFoundError:  # a run is at work
            continue
        pending += [(part, entry.path) for entry in _entries(Path(path))]
    return StoreSize(dict(sorted(parts.items(), key=lambda item: -item[1])), is_whole)


def _entries(directory: Path) -> "list[os.DirEntry[str]]":
    if directory.is_symlink():
        return []
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:  # a file, or it went
        return []
