"""Deletion guard: a half-mounted disk looks like a library whose files were deleted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from image_pipeline.errors import LibraryError
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import Ingested, ListedPartition

FEW = 100
"""This many files may always disappear at a time."""


@dataclass(frozen=True)
class DeletionLimit:
    """At most `share` (0 to 1) of the files, or `FEW` files, may disappear at a time, unless a person allows more.

    `command` is the one with which the person would allow it.
    """

    share: float
    allowed: bool = False
    command: str = "ingest"

    def check(self, vanished: int, total: int) -> None:
        """Raises LibraryError if `vanished` of `total` files are more than may disappear."""
        if not self.allowed and vanished > FEW and vanished > self.share * total:
            raise LibraryError(
                f"{vanished} of {total} files would disappear from the collection, more than {self.share:.0%}: check "
                "that the whole library is mounted; if the files are really gone, run "
                f"`image-pipeline {self.command} --allow-deletions`, or raise IMAGE_PIPELINE_DELETION_SHARE."
            )


class Shrinkage:
    """Counts the points, of `total` in a collection, that a run deletes without writing others in their place."""

    def __init__(self, limit: DeletionLimit, total: int) -> None:
        self._limit, self._total, self._points = limit, total, 0

    def add(self, before: int, after: int) -> None:
        """Record that a partition will go from `before` to `after` points. Raises LibraryError if that is too much."""
        self._points += max(0, before - after)
        self._limit.check(self._points, self._total)


def renamed_keys(
    listed: Mapping[str, ListedPartition], ingested: Mapping[str, Ingested], before: Collection[str] = ()
) -> set[str]:
    """The partitions whose directory is gone, but whose files still exist elsewhere, as their fingerprint shows.

    The files must be in a new partition. For partitions that were already found to be renamed (`before`), they may be
    in any, since their new partition may have been ingested meanwhile.
    """
    new = {there.fingerprint for key, there in listed.items() if key not in ingested}
    all_there = {there.fingerprint for there in listed.values()}
    return {
        key
        for key, entry in ingested.items()
        if key not in listed and entry.files_fingerprint in (all_there if key in before else new)
    }


def vanished_files(
    listed: Mapping[str, ListedPartition], ingested: Mapping[str, Ingested], renamed: Collection[str]
) -> int:
    """How many of the ingested files are no longer on disk, without those of partitions that were `renamed`.

    Missing partitions count until they are retired, however long they have been missing, so that many small losses add
    up to a large one. The parts of a directory count together, since a directory that was split has lost nothing.
    """
    before: dict[str, dict[int, int]] = {}
    for key, entry in ingested.items():
        if key not in renamed:
            partition = Partition.from_key(key)
            files = before.setdefault(partition.directory, {})
            files[partition.parts] = files.get(partition.parts, 0) + entry.files
    left: dict[str, int] = {}
    for key, there in listed.items():
        directory = Partition.from_key(key).directory
        left[directory] = left.get(directory, 0) + there.files
    # after an interrupted split, files are listed both in the larger parts and in some of the smaller ones
    return sum(max(0, max(files.values()) - left.get(directory, 0)) for directory, files in before.items())


PATIENCE_SECONDS = 3600.0
"""Maximum time for which a missing partition waits for possible replacements."""


def possible_replacements(listed: Mapping[str, ListedPartition], ingested: Mapping[str, Ingested]) -> set[str]:
    """The partitions with new or changed files, which may have come from a missing partition.

    Partitions that are processed again for other reasons (other models, a file that could not be read) do not count.
    """
    found = set()
    for key, there in listed.items():
        before = ingested.get(key)
        if before is None or before.files_fingerprint not in ("", there.fingerprint):
            found.add(key)
    return found


def waiting_for_replacements(gone_since: Mapping[str, float], waited_for: Collection[str], now: float) -> set[str]:
    """The missing partitions that still wait; `gone_since` says since when (s since 1970) each is missing."""
    if not waited_for:
        return set()
    return {key for key, since in gone_since.items() if now - since < PATIENCE_SECONDS}
