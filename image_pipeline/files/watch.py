"""Watching a library: the state of each directory, since when, and which have been quiet long enough."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import LibraryError
from image_pipeline.files.discovery import list_files, walk_directories
from image_pipeline.files.partition import Partition, directory_text
from image_pipeline.files.plan import (
    DirectorySnapshot,
    Ingested,
    ListedPartition,
    PartitionState,
    State,
    compare,
    list_partitions,
    without_unlisted,
)
from image_pipeline.files.unlisted import Unlisted

_LEAST_SHARE = 0.2


@dataclass(frozen=True)
class LibrarySnapshot:
    """A snapshot of a library; `is_whole` is False if time ran out before all directories were checked.

    Directories of `unlisted`, and those below, keep the state in which they were last seen.
    """

    snapshots: dict[str, DirectorySnapshot]
    is_whole: bool
    unlisted: Unlisted

    @property
    def listed(self) -> dict[str, ListedPartition]:
        """All partitions in the snapshot, by key, in the order of their directories."""
        in_order = sorted(self.snapshots.values(), key=lambda snapshot: snapshot.directory)
        return {part.key: part for snapshot in in_order for part in snapshot.partitions}

    def since(self, partition_key: str) -> float:
        """Since when (s since 1970) the directory of a partition has been in its present state."""
        return self.snapshots[Partition.from_key(partition_key).directory].since


def take_snapshot(
    root: Path,
    before: Mapping[str, DirectorySnapshot],
    ingested: Mapping[str, Ingested],
    partition_size: int,
    now: float,
    sweep_seconds: float,
    budget_seconds: float,
) -> LibrarySnapshot:
    """Check every directory of the library, but its files one by one only if that may show something new.

    A directory's own modification time changes when files appear or disappear. Files edited in place are found by
    checking the files of each directory every `sweep_seconds`. While a directory differs from what was ingested, its
    files are always checked, since a file that is still being written does not change the directory's time. The time is
    limited to `budget_seconds`; the next call starts with the directories that were checked longest ago. Raises
    LibraryError if the library itself cannot be listed.
    """
    unlisted = Unlisted()
    ends_at = time.monotonic() + budget_seconds
    # observations from before the clock was set back do not show what is quiet or due
    before = {directory: seen for directory, seen in before.items() if seen.checked_at <= now}
    ingested_of = by_directory({key: entry.fingerprint for key, entry in ingested.items()})
    there = {directory_text(relative): mtime_ns for relative, mtime_ns in walk_directories(root, unlisted)}
    # if the walk alone takes all the time, files are still checked bit by bit
    ends_at = max(ends_at, time.monotonic() + budget_seconds * _LEAST_SHARE)
    seen: dict[str, DirectorySnapshot] = {}
    is_whole = True
    for directory in sorted(there, key=lambda name: before[name].checked_at if name in before else 0.0):
        known = before.get(directory)
        is_quiet = (
            known is not None
            and known.mtime_ns == there[directory]
            and now - known.checked_at < sweep_seconds
            and is_as_ingested(known, ingested_of)
        )
        if known is not None and is_quiet:
            seen[directory] = known
        elif time.monotonic() < ends_at:
            try:
                files = list_files(root, Partition(directory))
            except LibraryError as error:
                if directory == "":
                    raise
                unlisted.add(directory, error, alone=True)
                continue
            listed = list_partitions([(directory, files)], partition_size, ingested_of.get(directory, ()))
            seen[directory] = _snapshot_of(directory, there[directory], tuple(listed.values()), known, now)
        else:
            is_whole = False
            if known is not None:
                seen[directory] = known
    for directory in ingested_of.keys() | before.keys():
        if unlisted.covers(directory):
            if directory in before:
                seen[directory] = before[directory]
        # a directory that is gone is remembered as long as the collection holds points of it
        elif directory not in there and (directory in ingested_of or before[directory].partitions):
            seen[directory] = _snapshot_of(directory, 0, (), before.get(directory), now)
    return LibrarySnapshot(seen, is_whole, unlisted)


def by_directory(fingerprints: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The fingerprints of partitions by key, in the directories of the partitions."""
    grouped: dict[str, dict[str, str]] = {}
    for key, fingerprint in fingerprints.items():
        grouped.setdefault(Partition.from_key(key).directory, {})[key] = fingerprint
    return grouped


def is_as_ingested(seen: DirectorySnapshot, ingested: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a directory was seen with just the partitions that were ingested, whose fingerprints are by directory."""
    return {part.key: part.fingerprint for part in seen.partitions} == ingested.get(seen.directory, {})


def _snapshot_of(
    directory: str, mtime_ns: int, partitions: tuple[ListedPartition, ...], before: DirectorySnapshot | None, now: float
) -> DirectorySnapshot:
    is_same = before is not None and before.partitions == partitions
    return DirectorySnapshot(directory, mtime_ns, partitions, before.since if before and is_same else now, now)


@dataclass(frozen=True)
class DueStates:
    """The partitions to ingest, and those that are gone; `settled` are those that have been quiet for long enough."""

    settled: list[PartitionState]
    unsettled: list[PartitionState]


def due_states(
    snapshot: LibrarySnapshot, ingested: Mapping[str, Ingested], now: float, settle_seconds: float
) -> DueStates:
    """The partitions to ingest, and those that are gone; those that were quiet for `settle_seconds` are settled.

    In an incomplete snapshot, no partition is gone. Directories that cannot be listed are left out. Raises LibraryError
    if the whole library seems empty although files of it were ingested.
    """
    listed, ingested = snapshot.listed, without_unlisted(ingested, snapshot.unlisted)
    quiet = {
        name
        for name, seen in snapshot.snapshots.items()
        if min(seen.checked_at, now) - seen.since >= settle_seconds and not snapshot.unlisted.covers(name)
    }
    if not snapshot.is_whole:
        ingested = {key: entry for key, entry in ingested.items() if key in listed}
    due = DueStates([], [])
    for state in compare(listed, ingested):
        directory = Partition.from_key(state.key).directory
        if state.state is not State.INGESTED and not snapshot.unlisted.covers(directory):
            (due.settled if directory in quiet else due.unsettled).append(state)
    return due
