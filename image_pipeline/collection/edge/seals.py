"""Seals of shards: by them, a process sees whether a shard is as it was when it was last closed.

Reading files that are not can end the process. A seal is a hash of the names, sizes and times of all files of a shard;
their contents are not read.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

NAME = "closed.json"


class Seals:
    """The seals of the shards in `directory`, in one file there, for a process that holds the lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seals: dict[str, str] = {}
        with suppress(OSError, ValueError):  # a shard without a seal is looked at more closely
            found = json.loads((directory / NAME).read_bytes())
            self._seals = dict(found) if isinstance(found, dict) else {}

    def is_intact(self, folder: str) -> bool:
        """Whether the shard in `folder` is as it was when it was sealed; False if it never was."""
        with suppress(OSError):
            return self._seals.get(folder) == _stamp(self._directory / folder)
        return False

    def seal(self, *folders: str) -> None:
        """Seal shards that have been closed; if that fails, as on a full disk, they stay without a seal."""
        with suppress(OSError):
            stamps = {folder: _stamp(self._directory / folder) for folder in folders}
            others = {folder: seal for folder, seal in self._seals.items() if (self._directory / folder).exists()}
            self._seals = others | stamps
            (self._directory / NAME).write_text(json.dumps(self._seals))


def _stamp(folder: Path) -> str:
    stamps = []
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = os.path.join(path, name)
            status = os.stat(file)
            stamps.append(f"{file[len(str(folder)) :]} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(stamps).encode(errors="surrogateescape")).hexdigest()
