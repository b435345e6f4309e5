"""Why a file is left out: for the files that discovery leaves out, and for no others."""

import os
from pathlib import Path

import pytest

from image_pipeline.files.discovery import discover, list_files, walk_directories
from image_pipeline.files.left_out import why_left_out
from image_pipeline.files.names import to_text
from image_pipeline.files.partition import Partition, directory_text
from image_pipeline.files.store_mark import NAME, format_mark
from image_pipeline_tests.support.scenes import encoded, scene, write

REASONS = {
    ".hidden.jpg": "its name begins with a dot, and hidden files are left out: rename it",
    "a.jpg~": "its name is that of a backup (`*~` or `*_original`): rename it",
    "a.jpg_original": "its name is that of a backup (`*~` or `*_original`): rename it",
    "Thumbs.db": "it is a side file of a system or a program: give the path of a picture",
    "a.MOV": "files that end in .mov are not pictures: rename it if it is one",
    "notes": "neither its ending nor its content is that of a picture: convert it if it is one",
    "pipe.jpg": "it is not a regular file: give the path of a picture",
    "link.jpg": "it is a symbolic link, which is not followed: give the path of the file that it leads to",
    "linked/a.jpg": "linked is a symbolic link, which is not followed: give the path without the link",
    "trip/@eaDir/deep/a.jpg": "the directory trip/@eaDir is hidden, or a recycle bin or a cache: move the file to "
    "another one",
    "store/thumbnails/a.jpg": "it is in a store, which holds files of this program: move it to another directory",
}
INGESTED = ["trip/a.jpg", "trip/empty.jpg", "trip/page.xcf", "trip/no ending", os.fsdecode(b"trip/caf\xe9.jpg")]


@pytest.fixture
def made(library: Path) -> Path:
    picture = encoded(scene(), "JPEG")
    for path in [*INGESTED, *REASONS]:
        (library / path).parent.mkdir(parents=True, exist_ok=True)
        if path not in ("pipe.jpg", "link.jpg", "linked/a.jpg"):
            (library / path).write_bytes(picture)
    os.mkfifo(library / "pipe.jpg")
    (library / "linked").rmdir()
    (library / "linked").symlink_to("trip")
    (library / "link.jpg").symlink_to("trip/a.jpg")
    write(library, "trip/empty.jpg", b"")
    write(library, "trip/page.xcf", b"no picture")
    write(library, "notes", b"to do")
    write(library, f"store/{NAME}", format_mark(None))
    return library


@pytest.mark.parametrize("path", REASONS)
def test_each_rule_has_its_reason(made: Path, path: str) -> None:
    assert why_left_out(made, path) == REASONS[path]


def test_the_files_that_are_ingested_have_no_reason(made: Path) -> None:
    discovered = {
        file.path
        for directory, _ in walk_directories(made)
        for partition in [Partition(directory_text(directory))]
        for file in discover(made, partition, list_files(made, partition), {}).files
    }
    assert discovered == set(map(to_text, INGESTED))
    assert [why_left_out(made, path) for path in discovered] == [None] * len(INGESTED)


def test_a_file_that_is_gone_is_an_error(made: Path) -> None:
    with pytest.raises(FileNotFoundError):
        why_left_out(made, "trip/gone.jpg")
