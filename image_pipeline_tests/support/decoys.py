"""A home folder full of a person's own files and folders, under every name that a store has, and what became of it."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDERS = (
    *("cache", "dagster", "models", "qdrant", "qdrant-edge", "runs", "storage", "tables", "tensors", "thumbnails"),
    *("history", "schedules", "logs", "collection", ".making", ".dagster.new"),
)
FILES = (
    *("ledger.sqlite", "content.sqlite", "store.json", "meta.json", "catalog.json", "dagster.yaml"),
    *("qdrant.lock", "index.lock", "device.lock", "dagster.lock"),
)
_NESTED = (
    *("notes.txt", "mine/sub/notes.txt", "x/y/z.npy", "x/y/.hidden", ".making/tmp", ".making/mine.txt"),
    *("tables/embeddings/mine.parquet", "embeddings/mine.parquet", "ab/picture.webp", "history/runs.db"),
    *("collection/mine/storage.sqlite", "content.sqlite", "meta.json", "dagster.yaml", "2024.json"),
    *("catalog.json", "shard-x/segments/mine.dat"),
)


def strew_decoys(home: Path) -> None:
    """Make a person's own files in `home`, and an empty folder in each folder."""
    home.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        for name in _NESTED:
            file = home / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{folder}/{name} is mine\n")
        (home / folder / "empty").mkdir()
        (home / folder / "link").symlink_to(home / folder / "mine")
    for name in FILES:
        (home / name).write_text(f"{name} is mine\n")


@dataclass(frozen=True)
class Snapshot:
    """What is in a folder: for each path in it its kind, rights, time and content."""

    home: Path
    found: dict[str, tuple[object, ...]]

    @classmethod
    def of(cls, home: Path, but: Iterable[str] = ()) -> "Snapshot":
        """The folder as it is now, without the entries `but` of it."""
        left_out = set(but)
        found: dict[str, tuple[object, ...]] = {}
        for directory, folders, files in os.walk(home):
            if directory == str(home):
                folders[:] = [name for name in folders if name not in left_out]
                files = [name for name in files if name not in left_out]
            for name in (*folders, *files):
                path = Path(directory, name)
                found[path.relative_to(home).as_posix()] = _look(path)
        return cls(home, found)

    def differences(self, but: Iterable[str] = ()) -> list[str]:
        """What has come to the folder, gone from it or changed since, if not in the entries `but` of it."""
        now = Snapshot.of(self.home, but).found
        return sorted(path for path in self.found.keys() | now.keys() if self.found.get(path) != now.get(path))


def _look(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "link", path.readlink()
    if stat.S_ISDIR(status.st_mode):
        return "folder", status.st_mode, status.st_mtime_ns  # the time tells of what came and went again
    return "file", status.st_mode, status.st_mtime_ns, path.read_bytes()
