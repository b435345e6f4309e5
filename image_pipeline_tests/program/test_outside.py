"""A picture from outside of the library comes into no thumbnail, embedding or caption, whatever is exchanged when."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from image_pipeline.files.discovery import discover, list_files, walk
from image_pipeline.files.hashing import hash_files
from image_pipeline.files.partition import Partition
from image_pipeline.imaging.raw import decode_raw
from image_pipeline.imaging.source_file import open_image
from image_pipeline.progress import Progress, listening
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.scenes import scene, write


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A library with `a/b/c.png`, green, and beside it `outside/b/c.png`, red, of the same size and time."""
    for root, colour in (("library/a", "green"), ("outside", "red")):
        file = tmp_path / root / "b/c.png"
        file.parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), colour).save(file, compress_level=0)
        os.utime(file, ns=(10**18, 10**18))
    return Pipeline.below(tmp_path)


def _exchange(what: str, root: Path) -> None:
    outside = root.parent / "outside"
    path = root / what
    path.rename(root.parent / "taken away")
    path.symlink_to(outside / Path(what).relative_to("a"))


def _exchange_file(root: Path) -> None:
    _exchange("a/b/c.png", root)


def _exchange_directory(root: Path) -> None:
    _exchange("a/b", root)


def _exchange_what_is_above(root: Path) -> None:
    _exchange("a", root)


def _replace(root: Path) -> None:
    os.replace(root.parent / "outside/b/c.png", root / "a/b/c.png")


def _replace_in_place(root: Path) -> None:
    shutil.copy2(root.parent / "outside/b/c.png", root / "a/b/c.png")


@pytest.mark.parametrize("exchange", [_exchange_file, _exchange_what_is_above, _replace_in_place])
def test_what_is_exchanged_before_it_is_decoded_is_not_decoded(
    pipeline: Pipeline, exchange: Callable[[Path], None]
) -> None:
    begun = []

    def listener(progress: Progress) -> None:
        if progress.stage == "decoded_tensors" and not begun:
            begun.append(progress)
            exchange(pipeline.root)

    sha256 = hashlib.sha256((pipeline.root / "a/b/c.png").read_bytes()).hexdigest()
    with listening(listener):
        done = pipeline.ingest()
    store = Store(pipeline.settings.home)
    assert begun and (done.indexed, done.embedded, done.quarantined) == (0, 0, 1)
    assert [file.reason for file in pipeline.quarantine()] == ["unreadable"]
    assert not store.thumbnail_file(sha256).exists(), "none of it is of a file that is not known to be the same"
    assert not list((store.home / "thumbnails").rglob("*.webp"))


@pytest.mark.parametrize("exchange", [_exchange_file, _exchange_directory, _exchange_what_is_above, _replace])
def test_what_is_exchanged_after_it_was_listed_is_not_hashed(
    pipeline: Pipeline, exchange: Callable[[Path], None]
) -> None:
    root, partition = pipeline.root, Partition("a/b")
    listed = list_files(root, partition)
    files = discover(root, partition, listed, {}).files
    exchange(root)
    [row] = hash_files(root, files, [], threads=1).rows
    assert row.sha256 is None and row.message
    again = discover(root, partition, listed, {}).files
    assert all(file.format is None for file in again) or exchange is _replace
    if exchange is not _replace:
        assert list_files(root, partition) == [], "what is behind a link is not listed"
        assert not [file for _, files in walk(root) for file in files]


def test_a_raw_is_read_by_its_descriptor_and_not_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dng", dng(scene(96, 80)))
    other = write(tmp_path, "other.dng", dng(Image.new("RGB", (128, 96), "red")))
    with open_image(path) as file:
        os.replace(other, path)
        raster = decode_raw(file, [], 1_000_000)
    assert (raster.width, raster.height) == (96, 80)


def test_the_library_itself_may_be_behind_links(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "parent").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(pipeline.root)
    linked = tmp_path / "parent/linked"
    [file] = discover(linked, Partition("a/b"), list_files(linked, Partition("a/b")), {}).files
    assert file.format == "png"
    assert [directory for directory, files in walk(linked) if files] == ["a/b"]
