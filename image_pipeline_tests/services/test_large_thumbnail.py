"""Large thumbnails are made from originals: upright, once for all who ask, and of nothing but what was indexed."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from image_pipeline.files.open_file import LibraryFile, find_below
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.services.large_thumbnail import (
    MOST_WAITING,
    LargeThumbnailMaker,
    NoOriginalError,
    NotDecodedError,
    ThumbnailsBusyError,
)
from image_pipeline.storage.large_thumbnails import LargeThumbnails
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.scenes import encoded, exif, photograph


class Library:
    """Files by content, and how often each was asked for; `gate` lets the answers through."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def add(self, name: str, content: bytes) -> str:
        """Write a file; its sha256."""
        (self.root / name).write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        self.names.setdefault(sha256, []).append(name)
        return sha256

    def files(self, sha256: str) -> list[LibraryFile]:
        """The files that were indexed with a content."""
        self.asked.append(sha256)
        assert self.gate.wait(30)
        names = (name for name in self.names.get(sha256, []) if os.path.lexists(self.root / name))
        return [find_below(self.root, name) for name in names]


@pytest.fixture
def originals(library: Path) -> Library:
    return Library(library)


@pytest.fixture
def maker(originals: Library, tmp_path: Path) -> Iterator[LargeThumbnailMaker]:
    with LargeThumbnailMaker(LargeThumbnails(Store(tmp_path)), originals.files, DecodeLimits(), 2) as running:
        yield running


def test_it_is_upright_and_has_1024_pixels(maker: LargeThumbnailMaker, originals: Library) -> None:
    sha256 = originals.add("a.jpg", encoded(photograph(2400, 1600), "JPEG", exif=exif(orientation=6)))
    path = maker.make(sha256).result(60)
    with Image.open(path) as image:
        assert image.format == "WEBP"
        assert image.size == (683, 1024)


def test_a_smaller_picture_keeps_its_size(maker: LargeThumbnailMaker, originals: Library) -> None:
    path = maker.make(originals.add("a.png", encoded(photograph(500, 300), "PNG"))).result(60)
    with Image.open(path) as image:
        assert image.size == (500, 300)


def test_all_who_ask_for_a_picture_meanwhile_get_the_one_that_is_made(
    maker: LargeThumbnailMaker, originals: Library
) -> None:
    sha256 = originals.add("a.jpg", encoded(photograph(800, 600), "JPEG"))
    originals.gate.clear()
    makings = [maker.make(sha256) for _ in range(50)]
    originals.gate.set()
    assert len({making.result(60) for making in makings}) == 1
    assert originals.asked == [sha256]


def test_too_many_pictures_at_once_are_refused(maker: LargeThumbnailMaker, originals: Library) -> None:
    originals.gate.clear()
    waiting = [maker.make(f"{number:064x}") for number in range(MOST_WAITING)]
    with pytest.raises(ThumbnailsBusyError, match="try again"):
        maker.make("f" * 64)
    assert maker.make(f"{0:064x}") is waiting[0], "who waits for one that is being made is no burden"
    originals.gate.set()
    for making in waiting:
        with pytest.raises(NoOriginalError):
            making.result(60)
    with pytest.raises(NoOriginalError):
        maker.make("f" * 64).result(60)


def test_an_original_that_was_edited_since_is_not_shown_under_its_former_content(
    maker: LargeThumbnailMaker, originals: Library
) -> None:
    sha256 = originals.add("a.jpg", encoded(photograph(800, 600), "JPEG"))
    (originals.root / "a.jpg").write_bytes(encoded(photograph(600, 800), "JPEG"))
    with pytest.raises(NoOriginalError):
        maker.make(sha256).result(60)
    copy = originals.add("b.jpg", encoded(photograph(800, 600), "JPEG"))
    assert copy == sha256
    assert maker.make(sha256).result(60).exists(), "its copy is as good"


@pytest.mark.parametrize("replaced", ["link", "fifo", "gone"])
def test_what_replaced_an_original_is_not_read(
    maker: LargeThumbnailMaker, originals: Library, tmp_path: Path, replaced: str
) -> None:
    content = encoded(photograph(800, 600), "JPEG")
    sha256 = originals.add("a.jpg", content)
    found = originals.files(sha256)
    original = originals.root / "a.jpg"
    original.unlink()
    if replaced == "link":
        (tmp_path / "secret.jpg").write_bytes(content)
        original.symlink_to(tmp_path / "secret.jpg")
    elif replaced == "fifo":
        os.mkfifo(original)
    with (
        LargeThumbnailMaker(maker.thumbnails, lambda _: found, DecodeLimits(), 1) as late,
        pytest.raises(NoOriginalError),
    ):
        late.make(sha256).result(60)


def test_a_file_that_cannot_be_decoded_is_an_error_of_its_own(maker: LargeThumbnailMaker, originals: Library) -> None:
    sha256 = originals.add("a.jpg", b"no picture")
    with pytest.raises(NotDecodedError, match="unknown_format"):
        maker.make(sha256).result(60)
    sound = originals.add("b.jpg", encoded(photograph(800, 600), "JPEG"))
    assert maker.make(sound).result(60).exists()


def test_ending_does_not_wait_for_what_has_begun(originals: Library, tmp_path: Path) -> None:
    originals.gate.clear()
    with LargeThumbnailMaker(LargeThumbnails(Store(tmp_path)), originals.files, DecodeLimits(), 1) as maker:
        first, second = maker.make("0" * 64), maker.make("1" * 64)
        assert wait_until(lambda: originals.asked == ["0" * 64], 30)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert second.cancelled()
    originals.gate.set()
    with pytest.raises(NoOriginalError):
        first.result(60)
