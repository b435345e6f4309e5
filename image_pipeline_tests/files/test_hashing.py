"""A file's identity as content."""

import hashlib
import os
import threading
from pathlib import Path

from image_pipeline.files.hashing import hash_files
from image_pipeline.schema.rows import ContentHash
from image_pipeline_tests.files.conftest import discovered, picture
from image_pipeline_tests.support.rights import unprivileged


def test_hashes_are_those_of_the_contents_in_the_order_of_the_files(library: Path) -> None:
    for n in range(20):
        (library / f"{n:02}.jpg").write_bytes(picture() + bytes(n))
    files = discovered(library).files
    hashed = hash_files(library, files, [], threads=3)
    assert [row.path for row in hashed.rows] == [f"{n:02}.jpg" for n in range(20)]
    for n, row in enumerate(hashed.rows):
        assert row.sha256 == hashlib.sha256(picture() + bytes(n)).hexdigest()
        assert (row.size_bytes, row.mtime_ns, row.message) == (files[n].size_bytes, files[n].mtime_ns, None)
    assert (hashed.hashed, hashed.hashed_bytes) == (20, sum(file.size_bytes for file in files))


def test_only_files_that_changed_are_read_again(library: Path) -> None:
    for name in ("same.jpg", "edited.jpg", "touched.jpg"):
        (library / name).write_bytes(picture())
    files = discovered(library).files
    known = [ContentHash(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns, "0" * 64, None) for file in files]
    (library / "edited.jpg").write_bytes(picture("PNG"))
    os.utime(library / "touched.jpg", ns=(1, 1))
    (library / "new.jpg").write_bytes(picture("BMP"))
    hashed = hash_files(library, discovered(library).files, known, threads=2)
    assert {row.path for row in hashed.rows if row.sha256 == "0" * 64} == {"same.jpg"}
    assert hashed.hashed == 3
    assert hash_files(library, discovered(library).files, hashed.rows, threads=2).hashed == 0


def test_a_file_that_cannot_be_read_is_a_row_and_is_tried_again(library: Path) -> None:
    for name in ("good.jpg", "locked.jpg", "vanishing.jpg"):
        (library / name).write_bytes(picture())
    (library / "locked.jpg").chmod(0)
    files = discovered(library).files
    (library / "vanishing.jpg").unlink()
    with unprivileged():
        hashed = hash_files(library, files, [], threads=2)
    assert {row.path: (row.sha256 is None, row.message) for row in hashed.rows} == {
        "good.jpg": (False, None),
        "locked.jpg": (True, "Permission denied"),
        "vanishing.jpg": (True, "No such file or directory"),
    }
    again = hash_files(library, files, hashed.rows, threads=2)
    assert {row.path for row in again.rows if row.sha256 is None} == {"vanishing.jpg"}
    assert again.hashed == 2


def test_what_takes_a_files_place_is_not_followed_and_does_not_block(library: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    for name in ("fifo.jpg", "link.jpg", "directory.jpg", "device.jpg"):
        (library / name).write_bytes(picture())
    files = discovered(library).files
    for file in files:
        (library / file.path).unlink()
    os.mkfifo(library / "fifo.jpg")
    (library / "link.jpg").symlink_to(tmp_path / "secret")
    (library / "directory.jpg").mkdir()
    (library / "device.jpg").symlink_to("/dev/zero")
    writer = os.open(library / "fifo.jpg", os.O_RDWR)  # a writer that never writes: a read would wait for it
    try:
        hashed = hash_files(library, files, [], threads=1)
    finally:
        os.close(writer)
    assert [row.sha256 for row in hashed.rows] == [None] * 4
    assert {row.path: row.message for row in hashed.rows}["fifo.jpg"] == "Not a regular file"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hash")]
