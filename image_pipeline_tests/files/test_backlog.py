"""How much of a library waits."""

from pathlib import Path

import pytest

from image_pipeline.errors import LibraryError
from image_pipeline.files.backlog import Waiting, count_waiting
from image_pipeline.files.discovery import walk
from image_pipeline.files.plan import Ingested, list_partitions


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "c/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def as_ingested(library: Path) -> dict[str, Ingested]:
    return {
        key: Ingested(part.fingerprint, part.files) for key, part in list_partitions(walk(library), 100, ()).items()
    }


def test_new_changed_and_gone_directories_are_counted(library: Path) -> None:
    ingested = as_ingested(library)
    assert count_waiting(library, ingested, 100, 60) == Waiting(0, 0, 0, 0, directories=4, is_whole=True)
    (library / "a/3.jpg").write_bytes(b"x")
    (library / "c/1.jpg").unlink()
    (library / "d").mkdir()
    (library / "d/1.jpg").write_bytes(b"x")
    assert count_waiting(library, ingested, 100, 60) == Waiting(1, 1, 1, files=4, directories=5, is_whole=True)


def test_what_other_models_made_waits(library: Path) -> None:
    ingested = {key: Ingested(entry.fingerprint, entry.files, False) for key, entry in as_ingested(library).items()}
    assert count_waiting(library, ingested, 100, 60).changed == 3


def test_a_look_that_takes_too_long_tells_the_least_that_waits(library: Path) -> None:
    ingested = as_ingested(library)
    (library / "c/1.jpg").unlink()
    waiting = count_waiting(library, ingested, 100, -1.0)
    assert not waiting.is_whole and waiting.directories == 1 and waiting.gone == 0


def test_a_library_that_is_not_there_is_named(library: Path) -> None:
    with pytest.raises(LibraryError, match="does not exist"):
        count_waiting(library / "nowhere", {}, 100, 60)
