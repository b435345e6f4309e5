"""What of a folder is taken for its pictures, and what is left out."""

import os
import socket
from pathlib import Path

import pytest

from image_pipeline.errors import LibraryError
from image_pipeline.files.discovery import check_library, list_each, list_files, walk, walk_directories
from image_pipeline.files.names import to_text
from image_pipeline.files.partition import Partition
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.rows import DiscoveredFile
from image_pipeline.storage.mark import write_mark
from image_pipeline_tests.files.conftest import LIBRARY, discovered, picture
from image_pipeline_tests.support.raw_skeletons import skeletons
from image_pipeline_tests.support.rights import unprivileged


def write(root: Path, *paths: str, content: bytes | None = None) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(picture() if content is None else content)


def names(root: Path, directory: str = "") -> list[str]:
    return [file.name for file in list_files(root, Partition(directory))]


def found(root: Path, partition: Partition = LIBRARY) -> dict[str, ImageFormat | str | None]:
    return {file.path: file.format for file in discovered(root, partition).files}


def test_side_files_and_hidden_files_are_left_out(library: Path) -> None:
    write(library, "a.jpg", "b.JPG", "no ending", "._a.jpg", ".hidden.jpg", "Thumbs.db", "desktop.ini", "Icon\r")
    write(library, "a.xmp", "a.AAE", "clip.mov", "notes.txt", "list.csv", "a.jpg.part")
    assert names(library) == ["a.jpg", "b.JPG", "no ending"]


def test_backups_are_left_out(library: Path) -> None:
    """Of ExifTool and of editors: each is a photograph that has changed since, under another name."""
    write(library, "a.jpg", "a.jpg_original", "a.CR2_original", "b.jpg~", "c~", "the_original.jpg", "an_original")
    assert names(library) == ["a.jpg", "an_original", "the_original.jpg"]


def test_a_picture_that_is_not_read_leaves_a_row(library: Path) -> None:
    unread = ["a.xcf", "b.exr", "c.ico", "d.kra", "e.dds", "f.HDR", "g.qoi", "h.fits", "i.jxr"]
    write(library, *unread, content=b"something")
    write(library, "a.svg", "b.pdf", content=b"something")
    assert found(library) == dict.fromkeys(sorted(unread))


def test_links_fifos_and_sockets_are_left_out(library: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.jpg")
    write(library, "a.jpg")
    (library / "link.jpg").symlink_to(library / "a.jpg")
    (library / "broken.jpg").symlink_to("nowhere")
    (library / "outside").symlink_to(tmp_path / "outside")
    (library / "loop").symlink_to(library)
    (library / "directory.jpg").mkdir()
    os.mkfifo(library / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(library / "socket.jpg"))
        assert names(library) == ["a.jpg"]
        assert found(library) == {"a.jpg": "jpeg"}
    assert [directory for directory, _ in walk(library)] == ["", "directory.jpg"]


def test_a_directory_that_became_a_link_or_hidden_is_as_good_as_gone(library: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/x/secret.jpg")
    write(library, ".hidden/a.jpg", "@eaDir/a.jpg")
    (library / "2024").symlink_to(tmp_path / "outside")
    for directory in ("2024", "2024/x", ".hidden", "@eaDir"):
        assert names(library, directory) == []
    assert found(library, Partition("2024/x")) == {}


def test_a_store_in_the_library_is_left_out_with_all_that_is_in_it(library: Path) -> None:
    """Where the library is mounted at a second place, no path tells that the store lies in it."""
    store = library / "data/store"
    write(store, "thumbnails/ab/a.webp")
    write(library, "data/a.jpg", "album/a.jpg")
    (library / "album/store.json").write_text('{"program": "another", "version": 1, "library": null}')
    assert names(library, "data/store/thumbnails/ab") == ["a.webp"]
    write_mark(store)
    assert [directory for directory, _ in walk_directories(library)] == [".", "album", "data"]
    assert names(library, "data/store/thumbnails/ab") == [] == names(library, "data/store")
    assert names(library, "data") == ["a.jpg"] == names(library, "album")


def test_the_library_itself_may_be_a_link(library: Path, tmp_path: Path) -> None:
    write(library, "x/a.jpg")
    (tmp_path / "photos").symlink_to(library)
    assert [directory for directory, files in walk(tmp_path / "photos") if files] == ["x"]


def test_the_content_tells_the_format(library: Path) -> None:
    write(library, "jpeg.png", "scan")
    write(library, "png.jpg", content=picture("PNG"))
    write(library, "tiff.tif", content=picture("TIFF"))
    write(library, "scan.NEF", content=picture("TIFF"))
    write(library, "raw.NEF", "raw.jpg", "raw", content=skeletons()["a Nikon"])
    write(library, "webp.unknown", content=picture("WEBP"))
    write(library, "Makefile", "report.final", content=b"all: build\n")
    write(library, "broken.jpg", "new.jxl", content=b"no picture at all")
    write(library, "empty.jpg", content=b"")
    assert found(library) == {
        "broken.jpg": None,
        "empty.jpg": None,
        "jpeg.png": "jpeg",
        "new.jxl": None,
        "png.jpg": "png",
        "raw": "raw",
        "raw.NEF": "raw",
        "raw.jpg": "raw",
        "scan": "jpeg",
        "scan.NEF": "tiff",
        "tiff.tif": "tiff",
        "webp.unknown": "webp",
    }


def test_an_unchanged_file_is_not_opened_again(library: Path) -> None:
    write(library, "a.jpg", "b.jpg")
    first = discovered(library).files
    known = {
        file.path: DiscoveredFile(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns, "gif") for file in first
    }
    write(library, "b.jpg", content=picture("PNG"))
    again = discovered(library, known=known).files
    assert {file.path: file.format for file in again} == {"a.jpg": "gif", "b.jpg": "png"}


def test_parts_share_the_files_of_a_directory(library: Path) -> None:
    write(library, *(f"big/{n}.jpg" for n in range(40)))
    parts = [found(library, Partition("big", part, 4)).keys() for part in range(4)]
    assert sorted(path for part in parts for path in part) == sorted(f"big/{n}.jpg" for n in range(40))
    assert len({discovered(library, Partition("big", part, 4)).fingerprint for part in range(4)}) == 4
    together = [Partition(""), *(Partition("big", part, 4) for part in (0, 2, 3)), Partition("gone")]
    assert list(list_each(library, together)) == [(one, list_files(library, one)) for one in together]


def test_names_of_any_bytes_are_found(library: Path) -> None:
    odd = [b"latin-\xe9.jpg", "日本 \U0001f4f7.jpg".encode(), b"line\nbreak.jpg", b" .jpg", b"%2F.jpg", b"-rf.jpg"]
    for name in odd:
        write(library, os.fsdecode(b"dir\xff/" + name))
    directory = to_text(os.fsdecode(b"dir\xff"))
    assert found(library, Partition(directory)).keys() == {f"{directory}/{to_text(os.fsdecode(name))}" for name in odd}


def test_walk_comes_to_every_directory_in_order(library: Path) -> None:
    write(library, "b/z.jpg", "a/inner/x.jpg", "a b/y.jpg", ".git/c.jpg", "lost+found/c.jpg", "$RECYCLE.BIN/c.jpg")
    (library / "nothing").mkdir()
    walked = list(walk_directories(library))
    assert [relative for relative, _ in walked] == [".", "a", "a/inner", "a b", "b", "nothing"]
    assert dict(walked)["a/inner"] == (library / "a/inner").stat().st_mtime_ns
    assert {directory: len(files) for directory, files in walk(library)} == {
        "": 0,
        "a": 0,
        "a/inner": 1,
        "a b": 1,
        "b": 1,
        "nothing": 0,
    }


def test_a_directory_that_is_gone_has_no_files(library: Path) -> None:
    write(library, "now a file")
    assert names(library, "never there") == []
    assert names(library, "now a file") == []
    assert names(library, "now a file/below") == []


def test_a_directory_that_cannot_be_listed_is_not_empty(library: Path) -> None:
    write(library, "private/inner/a.jpg")
    (library / "private").chmod(0)
    with unprivileged():
        for directory in ("private", "private/inner"):
            with pytest.raises(LibraryError, match=r"cannot be listed.*its part of the collection was left unchanged"):
                list_files(library, Partition(directory))
        with pytest.raises(LibraryError, match="private cannot be listed"):
            list(walk(library))
    (library / "private").chmod(0o755)


def test_a_file_that_cannot_be_read_is_told_and_not_passed_over(library: Path) -> None:
    write(library, "photo.jpg", "scan")
    for name in ("photo.jpg", "scan"):
        (library / name).chmod(0)
    with unprivileged():
        locked = discovered(library)
    assert {file.path: file.format for file in locked.files} == {"photo.jpg": None, "scan": None}
    again = discovered(library, known={file.path: file for file in locked.files})
    assert {file.path: file.format for file in again.files} == {"photo.jpg": "jpeg", "scan": "jpeg"}


@pytest.mark.parametrize("directory", ["", "x"])
def test_a_library_that_is_not_there_is_not_empty(tmp_path: Path, directory: str) -> None:
    with pytest.raises(LibraryError, match="does not exist: set IMAGE_LIBRARY"):
        list_files(tmp_path / "unmounted", Partition(directory))
    with pytest.raises(LibraryError, match="does not exist"):
        list(walk(tmp_path / "unmounted"))


def test_a_library_must_be_a_folder_that_can_be_read(library: Path) -> None:
    write(library, "a.jpg")
    with pytest.raises(LibraryError, match="is a file"):
        check_library(library / "a.jpg")
    library.chmod(0)
    with unprivileged(), pytest.raises(LibraryError, match="cannot be read"):
        check_library(library)
    library.chmod(0o755)


def test_a_library_that_is_unmounted_while_it_is_walked_is_not_half_gone(library: Path) -> None:
    root = library / "mount"
    write(root, "a/1.jpg", "b/1.jpg", "c/1.jpg")
    walked = walk(root)
    assert [next(walked)[0], next(walked)[0]] == ["", "a"]
    root.rename(library / "unmounted")
    root.mkdir()
    with pytest.raises(LibraryError, match="unmounted or replaced"):
        list(walked)
