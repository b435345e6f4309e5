"""How many files have vanished, and when that is too many."""

from collections.abc import Collection

import pytest

from image_pipeline.errors import LibraryError
from image_pipeline.files.deletions import DeletionLimit, renamed_keys, vanished_files
from image_pipeline.files.plan import Ingested, ListedPartition


def listed(*partitions: tuple[str, int, str]) -> dict[str, ListedPartition]:
    return {key: ListedPartition(key, files, mark) for key, files, mark in partitions}


def ingested(*partitions: tuple[str, int, str]) -> dict[str, Ingested]:
    return {key: Ingested(mark, files) for key, files, mark in partitions}


def vanished(there: dict[str, ListedPartition], before: dict[str, Ingested], known: Collection[str] = ()) -> int:
    return vanished_files(there, before, renamed_keys(there, before, known))


def test_a_file_that_is_gone_and_a_directory_that_is_gone_count() -> None:
    before = ingested(("a", 10, "x"), ("b", 5, "y"), ("c", 3, "z"))
    assert vanished(listed(("a", 8, "x2"), ("c", 4, "z2")), before) == 2 + 5


def test_a_renamed_directory_does_not_count() -> None:
    assert vanished(listed(("new name", 500, "x")), ingested(("old name", 500, "x"))) == 0


def test_one_of_two_copies_that_goes_counts() -> None:
    before = ingested(("a", 500, "x"), ("copy", 500, "x"))
    assert vanished(listed(("a", 500, "x")), before) == 500


def test_a_directory_that_outgrows_its_parts_loses_only_what_is_gone() -> None:
    parts = listed(("a#0of2", 260, "x"), ("a#1of2", 250, "y"))
    assert vanished(parts, ingested(("a", 500, "z"))) == 0
    assert vanished(parts, ingested(("a", 600, "z"))) == 90
    assert vanished(parts, ingested(("a", 500, "z"), ("a#0of2", 260, "x"))) == 0, "it was interrupted"


def test_a_renamed_directory_of_several_parts_does_not_count() -> None:
    before = ingested(("old#0of2", 260, "x"), ("old#1of2", 250, "y"))
    assert vanished(listed(("new#0of2", 260, "x"), ("new#1of2", 250, "y")), before) == 0


def test_a_renamed_directory_does_not_count_either_once_it_is_ingested_under_its_new_name() -> None:
    before = ingested(("old", 500, "x"), ("new", 500, "x"))
    assert vanished(listed(("new", 500, "x")), before) == 500, "it may be one of two copies"
    assert vanished(listed(("new", 500, "x")), before, known=["old"]) == 0
    assert vanished(listed(("new", 1, "y")), before, known=["old"]) == 500 + 499, "these files are gone, too"


@pytest.mark.parametrize(("vanished", "total"), [(100, 100), (100, 101), (200, 1000), (0, 0)])
def test_few_files_or_a_small_share_may_vanish(vanished: int, total: int) -> None:
    DeletionLimit(0.2).check(vanished, total)


@pytest.mark.parametrize(("vanished", "total"), [(101, 101), (201, 1000), (5000, 20_000)])
def test_more_is_refused_until_a_person_allows_it(vanished: int, total: int) -> None:
    with pytest.raises(LibraryError, match="--allow-deletions"):
        DeletionLimit(0.2).check(vanished, total)
    DeletionLimit(0.2, allowed=True).check(vanished, total)
