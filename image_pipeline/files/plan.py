"""The plan: compares the library on disk with what was ingested. Pure functions, without disk and Dagster."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from image_pipeline.errors import LibraryError
from image_pipeline.files.partition import Partition, part_of, partitions_of
from image_pipeline.files.status import ListedFile, fingerprint
from image_pipeline.files.unlisted import Unlisted


class State(StrEnum):
    """The state of a partition on disk, compared with what was ingested of it."""

    NEW = "new"
    CHANGED = "changed"
    INGESTED = "ingested"
    GONE = "gone"
    UNLISTED = "unlisted"


@dataclass(frozen=True)
class ListedPartition:
    """A partition on disk: the number of its files that may be images, and their fingerprint."""

    key: str
    files: int
    fingerprint: str


@dataclass(frozen=True)
class DirectorySnapshot:
    """The state of a directory when the sensor last saw it.

    `mtime_ns` is the directory's own modification time, `partitions` are its partitions (empty if it has no images, or
    is gone). It has been in this state since `since`; its files were last checked one by one at `checked_at` (s since
    1970).
    """

    directory: str
    mtime_ns: int
    partitions: tuple[ListedPartition, ...]
    since: float
    checked_at: float


OUTDATED = "~"
"""Prefix of the fingerprint of a partition that is to be ingested again, whatever it looks like on disk."""


@dataclass(frozen=True)
class Ingested:
    """What was ingested of a partition; `current` is False if it was made by other models or another version."""

    fingerprint: str
    files: int
    current: bool = True

    @property
    def files_fingerprint(self) -> str:
        """The fingerprint of the files, without the prefix `OUTDATED`."""
        return self.fingerprint.removeprefix(OUTDATED)


@dataclass(frozen=True)
class PartitionState:
    """A partition that is on disk or was ingested, and its state."""

    key: str
    files: int
    state: State


@dataclass(frozen=True)
class PartitionRange:
    """Partitions that are consecutive in the order of registration, for one run."""

    keys: tuple[str, ...]

    @property
    def start(self) -> str:
        """The first key."""
        return self.keys[0]

    @property
    def end(self) -> str:
        """The last key."""
        return self.keys[-1]


def list_partitions(
    directories: Iterable[tuple[str, Sequence[ListedFile]]], partition_size: int, known_keys: Iterable[str]
) -> dict[str, ListedPartition]:
    """The non-empty partitions of the directories, by key, in the order of the directories.

    A directory that has parts among `known_keys` keeps their number when it shrinks.
    """
    parts_before: dict[str, int] = {}
    for key in known_keys:
        known = Partition.from_key(key)
        parts_before[known.directory] = max(known.parts, parts_before.get(known.directory, 1))
    listed: dict[str, ListedPartition] = {}
    for directory, files in directories:
        partitions = partitions_of(directory, len(files), partition_size, parts_before.get(directory, 1))
        held: list[list[ListedFile]] = [[] for _ in partitions]
        for file in files:
            held[part_of(file.name, len(partitions))].append(file)
        for partition, some in zip(partitions, held, strict=True):
            if some:
                listed[partition.key] = ListedPartition(partition.key, len(some), fingerprint(some))
    return listed


def without_unlisted(ingested: Mapping[str, Ingested], unlisted: Unlisted) -> dict[str, Ingested]:
    """The part of `ingested` in directories that could be listed; in the others, no changes are known."""
    return {key: entry for key, entry in ingested.items() if not unlisted.covers(Partition.from_key(key).directory)}


def compare(listed: Mapping[str, ListedPartition], ingested: Mapping[str, Ingested]) -> list[PartitionState]:
    """The state of every partition that is on disk (in that order) or was ingested.

    Raises LibraryError if nothing is on disk although files were ingested: this is taken for a disk that is not
    mounted, not for a library whose files were all deleted.
    """
    ingested_files = sum(entry.files for entry in ingested.values())
    if not listed and ingested_files:
        raise LibraryError(
            f"The library is empty, although {ingested_files} files of it were ingested: mount it, or, if it is meant "
            "to be empty, delete the store."
        )
    states = []
    for key, partition in listed.items():
        entry = ingested.get(key)
        if entry is None:
            state = State.NEW
        elif entry.current and entry.fingerprint == partition.fingerprint:
            state = State.INGESTED
        else:
            state = State.CHANGED
        states.append(PartitionState(key, partition.files, state))
    return states + [PartitionState(key, 0, State.GONE) for key in ingested if key not in listed]


def group_into_ranges(
    registered: Sequence[str], wanted: Mapping[str, int], max_files: int, max_keys: int
) -> list[PartitionRange]:
    """Ranges of `registered` keys that hold exactly the `wanted` ones (key → number of files), one range per run.

    A range has at most `max_keys` keys, and at most `max_files` files unless a single partition has more. This bounds
    the disk space that a run needs for decoded tensors.
    """
    ranges: list[PartitionRange] = []
    current: list[str] = []
    files = 0
    for key in registered:
        full = len(current) == max_keys or files + wanted.get(key, 0) > max_files
        if current and (key not in wanted or full):
            ranges.append(PartitionRange(tuple(current)))
            current, files = [], 0
        if key in wanted:
            current.append(key)
            files += wanted[key]
    if current:
        ranges.append(PartitionRange(tuple(current)))
    return ranges
