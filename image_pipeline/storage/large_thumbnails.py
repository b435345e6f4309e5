"""Large thumbnails on disk: made when somebody looks at a picture, and deleted again, the least recently used first."""

import heapq
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from image_pipeline.storage.store import Store

BUDGET_BYTES = 2 << 30
"""The most that all large thumbnails take, in bytes: about 15,000 of them."""

_KEPT_SHARE = 0.9
_USED_SECONDS = 3600.0  # a file that is used again and again is marked once in this time


class LargeThumbnails:
    """The large thumbnails in a store, of at most `budget` bytes, for several threads.

    The time of modification of a file is that of its last use, to the hour.
    """

    def __init__(self, store: Store, budget: int = BUDGET_BYTES) -> None:
        self._store, self._budget = store, budget
        self._lock = threading.Lock()
        self._bytes: int | None = None

    def path(self, sha256: str) -> Path:
        """The file of a picture's large thumbnail, which may not exist."""
        return self._store.large_thumbnail_file(sha256)

    def used(self, path: Path, status: os.stat_result) -> None:
        """Note that a file, which has this status, is used now."""
        now = time.time()
        if not now - _USED_SECONDS < status.st_mtime <= now + _USED_SECONDS:
            with suppress(OSError):  # it was deleted meanwhile, or the store may only be read
                os.utime(path)

    def added(self, path: Path) -> None:
        """Count a file that was just written, and delete others if all of them have more bytes than the budget."""
        with self._lock:
            if self._bytes is None:
                self._bytes = sum(size for _, size, _ in self._files())
            else:
                with suppress(OSError):
                    self._bytes += path.stat().st_size
            if self._bytes > self._budget:
                self._bytes = self._make_room(path)

    def _make_room(self, newest: Path) -> int:
        """Delete the least recently used files but the newest; returns the bytes of those that remain."""
        files = list(self._files())  # counted again: another process may have added or deleted some
        total = sum(size for _, size, _ in files)
        heapq.heapify(files)
        while files and total > _KEPT_SHARE * self._budget:
            _, size, path = heapq.heappop(files)
            if path == os.fspath(newest):
                continue
            with suppress(OSError):
                os.unlink(path)
                total -= size
        return total

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """The time of the last use, the size in bytes and the path of each file."""
        for folder in _entries(self._store.large_thumbnails_directory):
            for entry in _entries(folder):
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    yield status.st_mtime, status.st_size, entry.path


def _entries(directory: "Path | os.DirEntry[str]") -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:  # not there yet, or no directory
        return []
