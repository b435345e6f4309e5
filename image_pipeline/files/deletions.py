"""The guard against deleting by mistake: a disk that is half mounted looks like a library whose files were deleted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from image_pipeline.errors import LibraryError
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import Ingested, ListedPartition

FEW = 100
"""So many files may always vanish at once."""


@dataclass(frozen=True)
class DeletionLimit:
    """At most `share` (0 to 1) of what is there may vanish at once, or `FEW` files, unless a person allows more.

    `command` is the one that a person would allow it by.
    """

    share: float
    allowed: bool = False
    command: str = "ingest"

    def check(self, vanished: int, total: int) -> None:
        """Raises LibraryError if `vanished` of `total` files are more than may vanish."""
        if not self.allowed and vanished > FEW and vanished > self.share * total:
            raise LibraryError(
                f"{vanished} of {total} files would vanish from the collection, more than {self.share:.0%}: see "
                "whether the whole library is mounted; if they are really gone, run "
                f"`image-pipeline {self.command} --allow-deletions`, or raise IMAGE_PIPELINE_DELETION_SHARE."
            )


class Shrinkage:
    """How many of the `total` points of a collection a run deletes without writing others in their place."""

    def __init__(self, limit: DeletionLimit, total: int) -> None:
        self._limit, self._total, self._points = limit, total, 0

    def add(self, before: int, after: int) -> None:
        """A partition is about to go from `before` to `after` points. Raises LibraryError if that is too much."""
        self._points += max(0, before - after)
        self._limit.check(self._points, self._total)


def renamed_keys(
    listed: Mapping[str, ListedPartition], ingested: Mapping[str, Ingested], before: Collection[str] = ()
) -> set[str]:
    """The partitions that are gone under their name, while their files, by their fingerprint, are still there.

    They are so in a partition that is new; or in any, if a partition was found to be renamed `before`: what it became
    may be ingested by now, and be new no more.
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
    """How many files are no longer on disk, or fewer: those of partitions that were `renamed` are none of them.

    All others that are gone count, however long, until they are retired: many small losses are a large one. The parts
    of a directory count together: one that outgrew its parts has lost nothing.
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
    # where a split was interrupted, its files stand in the larger parts and in some of the smaller ones
    return sum(max(0, max(files.values()) - left.get(directory, 0)) for directory, files in before.items())
