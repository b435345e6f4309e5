"""Large thumbnails take no more than their budget: the least recently used are deleted."""

import os
import time
from pathlib import Path

from image_pipeline.storage.large_thumbnails import LargeThumbnails
from image_pipeline.storage.store import Store


def add(thumbnails: LargeThumbnails, number: int, size: int, hours_ago: float) -> Path:
    """A file of `size` bytes that was used last so long ago, and is counted."""
    path = thumbnails.path(f"{number:064x}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    used = time.time() - 3600 * hours_ago
    os.utime(path, (used, used))
    thumbnails.added(path)
    return path


def test_the_least_recently_used_are_deleted_beyond_the_budget(tmp_path: Path) -> None:
    thumbnails = LargeThumbnails(Store(tmp_path), budget=1000)
    files = [add(thumbnails, number, 100, 20 - number) for number in range(10)]
    assert all(file.exists() for file in files)
    thumbnails.used(files[0], files[0].stat())
    files.append(add(thumbnails, 10, 100, 0))
    assert [file.exists() for file in files] == [True, False, False, *[True] * 8]


def test_what_was_there_before_counts(tmp_path: Path) -> None:
    before = LargeThumbnails(Store(tmp_path), budget=1 << 20)
    old = [add(before, number, 400, 20 - number) for number in range(3)]
    after = LargeThumbnails(Store(tmp_path), budget=1000)
    newest = add(after, 3, 400, 30)
    assert newest.exists(), "what somebody waits for is not deleted, however large"
    assert sum(file.exists() for file in old) == 1


def test_a_file_in_use_is_marked_once_an_hour(tmp_path: Path) -> None:
    thumbnails = LargeThumbnails(Store(tmp_path))
    path = add(thumbnails, 1, 10, 0.5)
    before = path.stat()
    thumbnails.used(path, before)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    path = add(thumbnails, 1, 10, 2)
    thumbnails.used(path, path.stat())
    assert time.time() - path.stat().st_mtime < 60


def test_a_file_that_was_deleted_meanwhile_is_no_error(tmp_path: Path) -> None:
    thumbnails = LargeThumbnails(Store(tmp_path), budget=1)
    path = add(thumbnails, 1, 10, 0)
    status = path.stat()
    path.unlink()
    thumbnails.used(path, status)
    thumbnails.added(path)
