"""Partition keys: one for every directory that a file system allows, and the parts of very large directories."""

import os
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from image_pipeline.errors import SettingsError
from image_pipeline.files.names import to_text
from image_pipeline.files.partition import Partition, directory_text, partitions_of

NAMES = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.text(st.sampled_from(" .-#,%[]*\"'`\\|<>?$o0f12\n\tä\u200d\u00a0\u2028"), min_size=1, max_size=8).map(
        str.encode
    ),
).filter(lambda name: name not in (b".", b"..") and b"/" not in name and b"\0" not in name)
DIRECTORIES = st.lists(NAMES, max_size=4).map(lambda parts: directory_text(os.fsdecode(b"/".join(parts)) or "."))
PARTS = st.integers(0, 6).map(lambda power: 1 << power)


@given(DIRECTORIES, PARTS, st.data())
@example("...", 1, None)
@example("a...b", 1, None)
@example("-rf", 1, None)
@example("album#0of2", 1, None)
@example("2024, Rome [best]", 1, None)
@example("\uf7e9t\uf7e9", 1, None)
def test_every_directory_has_a_key_that_leads_back(directory: str, parts: int, data: st.DataObject | None) -> None:
    part = 0 if data is None else data.draw(st.integers(0, parts - 1))
    partition = Partition(directory, part, parts)
    assert Partition.from_key(partition.key) == partition


@given(DIRECTORIES, PARTS)
def test_a_key_breaks_neither_ranges_nor_shells(directory: str, parts: int) -> None:
    key = Partition(directory, parts - 1, parts).key
    assert key
    assert not re.search(r"""[,\[\]*"'`\\|<>?$\x00-\x1f\x7f-\x9f]""", key)
    assert "..." not in key
    assert not key.startswith("-")
    assert key.strip() == key
    assert re.fullmatch(r"[^#]*(#\d+of\d+)?", key)
    key.encode()


@given(DIRECTORIES, DIRECTORIES, PARTS, PARTS)
def test_two_partitions_never_share_a_key(one: str, other: str, parts: int, other_parts: int) -> None:
    assume((one, parts) != (other, other_parts))
    assert Partition(one, 0, parts).key != Partition(other, 0, other_parts).key


@pytest.mark.parametrize(
    ("directory", "key"),
    [
        ("", "."),
        ("2024/Rome and Naples", "2024/Rome and Naples"),
        ("Fotos (1)/Übersee+Küste/日本", "Fotos (1)/Übersee+Küste/日本"),
        ("a & b/c=d~e@f;g!h", "a & b/c=d~e@f;g!h"),
        ("a/ b /c ", "a/%20b%20/c%20"),
        ("...", "..%2E"),
        ("a#0of2", "a%230of2"),
        ("100 % [ok]", "100 %25 %5Bok%5D"),
        ("new\nline", "new%0Aline"),
        ("a\u200bb", "a%E2%80%8Bb"),
    ],
)
def test_plain_names_stay_plain(directory: str, key: str) -> None:
    assert Partition(directory).key == key


@pytest.mark.parametrize(
    "key",
    [
        *("", "a b%20c", "%61", "a%zz", "%FF", "\udcff", "a%00b"),
        *("a#0of1", "a#2of2", "a#0of3", "a#00of2", "a#0of0", "#0of2", "a#0of2\n", "a#٠of٢", f"a#0of{'9' * 5000}"),
        *("/etc", "..", "../other", "a/../../etc", "a/./b", "a//b", "a/", "./a"),
        "%EF%9F%83%EF%9E%A9",  # the two bytes of "é", escaped although they are valid
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="is not a partition key"):
        Partition.from_key(key)


@given(st.lists(st.text(min_size=1, max_size=12), unique=True), PARTS)
def test_every_file_is_in_exactly_one_part(names: list[str], parts: int) -> None:
    partitions = [Partition("d", part, parts) for part in range(parts)]
    for name in names:
        assert sum(partition.holds(name) for partition in partitions) == 1


@given(st.text(min_size=1, max_size=12), PARTS)
def test_a_split_moves_a_file_only_within_its_part(name: str, parts: int) -> None:
    before = next(p for p in range(parts) if Partition("d", p, parts).holds(name))
    after = next(p for p in range(2 * parts) if Partition("d", p, 2 * parts).holds(name))
    assert after in (before, before + parts)
    assert Partition("d", before, parts) == Partition("d", after, 2 * parts).ancestors[0]


def test_ancestors_are_the_partitions_that_held_the_files_before() -> None:
    assert Partition("d", 5, 8).ancestors == [Partition("d", 1, 4), Partition("d", 1, 2), Partition("d", 0, 1)]
    assert Partition("d").ancestors == []


@given(st.integers(0, 100_000), st.integers(1, 5_000), PARTS)
def test_parts_are_as_few_as_hold_the_files(files: int, size: int, before: int) -> None:
    partitions = partitions_of("d", files, size, before)
    parts = len(partitions)
    assert {(p.part, p.parts) for p in partitions} == {(part, parts) for part in range(parts)}
    assert parts & (parts - 1) == 0
    assert files <= parts * size or parts == 1 >= files
    assert parts == before or files > parts // 2 * size


def test_parts_are_of_nearly_the_same_size() -> None:
    counts = [sum(p.holds(f"IMG_{n:05}.JPG") for n in range(4096)) for p in partitions_of("d", 4096, 1024)]
    assert len(counts) == 4
    assert max(counts) < 1.15 * 1024


def test_paths_are_relative_to_the_library() -> None:
    assert Partition("").path_of("a.jpg") == "a.jpg"
    assert Partition("x/y", 1, 2).path_of("a.jpg") == "x/y/a.jpg"
    assert Partition("").os_directory == "."
    assert os.fsencode(Partition(to_text(os.fsdecode(b"x/\xff"))).os_directory) == b"x/\xff"
