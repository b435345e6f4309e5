"""A store belongs to one library."""

import os
from pathlib import Path

import pytest

from image_pipeline.errors import LibraryError, SettingsError
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.library_binding import open_library


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "store" / "ledger.sqlite")


def test_the_library_is_remembered(library: Path, ledger: Ledger) -> None:
    with pytest.raises(SettingsError, match="set IMAGE_LIBRARY"):
        open_library(None, ledger)
    assert open_library(library, ledger) == library
    assert open_library(None, ledger) == library


def test_another_library_is_refused_until_it_is_adopted(library: Path, ledger: Ledger, tmp_path: Path) -> None:
    open_library(library, ledger)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(LibraryError, match=r"belongs to the library .* run `image-pipeline adopt"):
        open_library(other, ledger)
    ledger.set_library(other)
    assert open_library(other, ledger) == other


def test_another_way_to_the_same_folder_is_the_same_library(library: Path, ledger: Ledger, tmp_path: Path) -> None:
    open_library(library, ledger)
    (tmp_path / "photos").symlink_to(library)
    assert open_library(tmp_path / "photos", ledger) == tmp_path / "photos"


def test_a_library_that_is_not_mounted_is_not_remembered(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="does not exist"):
        open_library(tmp_path / "nowhere", ledger)
    assert ledger.library() is None


def test_a_library_may_have_a_name_of_any_bytes(ledger: Ledger, library: Path) -> None:
    odd = library / os.fsdecode(b"photos-\xff")
    odd.mkdir()
    open_library(odd, ledger)
    assert open_library(None, ledger) == odd


@pytest.mark.parametrize("inside", [".", "store", "2024/store"])
def test_a_store_in_the_library_is_refused(library: Path, inside: str) -> None:
    with pytest.raises(SettingsError, match=r"is inside the library .* set IMAGE_PIPELINE_HOME"):
        open_library(library, Ledger(library / inside / "ledger.sqlite"))


@pytest.mark.parametrize("inside", [".image-pipeline", ".cache/store"])
def test_a_hidden_store_in_the_library_is_left_out_of_it(library: Path, inside: str) -> None:
    assert open_library(library, Ledger(library / inside / "ledger.sqlite")) == library
