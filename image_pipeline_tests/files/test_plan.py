"""What is to be done: pure differences, held against simple models."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_pipeline.errors import LibraryError
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import (
    Ingested,
    ListedPartition,
    PartitionState,
    State,
    compare,
    group_into_ranges,
    list_partitions,
)
from image_pipeline.files.status import ListedFile, fingerprint

FILES = st.lists(
    st.builds(ListedFile, st.text("abcdefgh", min_size=1), st.integers(0, 9), st.integers(0, 9)), max_size=40
)
KEYS = st.sampled_from("abcdefghij")


@given(FILES, st.integers(1, 50), st.sampled_from([1, 2, 4]))
def test_listed_partitions_hold_each_file_once(files: list[ListedFile], size: int, parts_before: int) -> None:
    known = [Partition("d", 0, parts_before).key]
    listed = list_partitions([("d", files), ("empty", [])], size, known)
    assert sum(partition.files for partition in listed.values()) == len(files)
    assert all(partition.files > 0 and partition.key == key for key, partition in listed.items())
    for key, partition in listed.items():
        found = Partition.from_key(key)
        assert (found.directory, found.parts >= parts_before) == ("d", True)
        assert partition.fingerprint == fingerprint(file for file in files if found.holds(file.name))


def test_a_directory_that_shrinks_keeps_its_parts() -> None:
    files = [ListedFile(f"{n}.jpg", 1, 1, 0) for n in range(10)]
    grown = list_partitions([("d", files)], 5, [])
    assert {Partition.from_key(key).parts for key in grown} == {2}
    shrunk = list_partitions([("d", files[:3])], 5, grown)
    assert {Partition.from_key(key).parts for key in shrunk} == {2}


def test_a_directory_that_outgrows_its_parts_splits_and_its_partition_is_gone() -> None:
    files = [ListedFile(f"{n}.jpg", 1, 1, 0) for n in range(10)]
    before = list_partitions([("d", files[:5])], 5, [])
    ingested = {key: Ingested(part.fingerprint, part.files) for key, part in before.items()}
    states = compare(list_partitions([("d", files)], 5, ingested), ingested)
    assert [(state.key, state.state) for state in states] == [
        ("d#0of2", State.NEW),
        ("d#1of2", State.NEW),
        ("d", State.GONE),
    ]


@given(
    st.dictionaries(KEYS, st.sampled_from(["f", "g"]), min_size=1),
    st.dictionaries(KEYS, st.tuples(st.sampled_from(["f", "g"]), st.booleans())),
)
def test_every_partition_has_the_state_that_a_person_would_name(
    on_disk: dict[str, str], before: dict[str, tuple[str, bool]]
) -> None:
    listed = {key: ListedPartition(key, 3, print_) for key, print_ in on_disk.items()}
    ingested = {key: Ingested(print_, 2, current) for key, (print_, current) in before.items()}
    states = {state.key: state for state in compare(listed, ingested)}
    assert states.keys() == on_disk.keys() | before.keys()
    for key, state in states.items():
        if key not in on_disk:
            assert state == PartitionState(key, 0, State.GONE)
        elif key not in before:
            assert state == PartitionState(key, 3, State.NEW)
        else:
            is_same = before[key] == (on_disk[key], True)
            assert state == PartitionState(key, 3, State.INGESTED if is_same else State.CHANGED)


def test_an_empty_library_is_a_disk_that_is_not_mounted() -> None:
    with pytest.raises(LibraryError, match="empty, although 7 files of it were ingested: mount it"):
        compare({}, {"a": Ingested("f", 3), "b": Ingested("f", 4)})
    assert compare({}, {}) == []
    assert compare({}, {"a": Ingested("f", 0)}) == [PartitionState("a", 0, State.GONE)]


@given(st.permutations("abcdefghij"), st.dictionaries(KEYS, st.integers(0, 9)), st.integers(1, 20), st.integers(1, 5))
def test_ranges_hold_exactly_the_wanted_partitions(
    registered: list[str], wanted: dict[str, int], max_files: int, max_keys: int
) -> None:
    ranges = group_into_ranges(registered, wanted, max_files, max_keys)
    assert [key for some in ranges for key in some.keys] == [key for key in registered if key in wanted]
    for some in ranges:
        start, end = registered.index(some.start), registered.index(some.end)
        assert list(some.keys) == registered[start : end + 1]
        assert len(some.keys) <= max_keys
        assert len(some.keys) == 1 or sum(wanted[key] for key in some.keys) <= max_files
    for one, next_ in pairwise(ranges):
        # none could have been longer
        adjoins = registered.index(one.end) + 1 == registered.index(next_.start)
        fits = len(one.keys) < max_keys and sum(wanted[key] for key in one.keys) + wanted[next_.start] <= max_files
        assert not (adjoins and fits)


def test_a_fingerprint_tells_names_sizes_times_and_nothing_else() -> None:
    file = ListedFile("a.jpg", 1, 2, 0)
    others = [
        ListedFile("b.jpg", 1, 2, 0),
        ListedFile("a.jpg", 2, 2, 0),
        ListedFile("a.jpg", 1, 3, 0),
        ListedFile("a.jpg1", 1, 2, 0),
    ]
    assert len({fingerprint([one]) for one in [file, *others]} | {fingerprint([]), fingerprint([file, file])}) == 7
    assert fingerprint([file]) == fingerprint([ListedFile("a.jpg", 1, 2, 0)])
