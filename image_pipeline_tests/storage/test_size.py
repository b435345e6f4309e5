"""How much disk the store takes."""

import os
from pathlib import Path

from image_pipeline.storage.size import size_of_store


def test_each_part_takes_what_its_files_take(tmp_path: Path) -> None:
    (tmp_path / "thumbnails/ab").mkdir(parents=True)
    (tmp_path / "thumbnails/ab/1.webp").write_bytes(b"x" * 200_000)
    (tmp_path / "ledger.sqlite").write_bytes(b"x" * 50_000)
    with (tmp_path / "tensors").open("wb") as file:  # nothing but a hole
        os.ftruncate(file.fileno(), 1 << 30)
    (tmp_path / "elsewhere").symlink_to("/usr")
    size = size_of_store(tmp_path, 60)
    assert size.is_whole and next(iter(size.parts)) == "thumbnails"
    assert 200_000 <= size.parts["thumbnails"] < 300_000 and 50_000 <= size.parts["ledger.sqlite"] < 100_000
    assert size.parts["tensors"] < 1 << 20 and size.parts["elsewhere"] < 1 << 20
    assert size.total == sum(size.parts.values())


def test_a_look_that_takes_too_long_says_so(tmp_path: Path) -> None:
    (tmp_path / "thumbnails").mkdir()
    assert not size_of_store(tmp_path, -1.0).is_whole
    assert size_of_store(tmp_path / "nowhere", 60).parts == {}
