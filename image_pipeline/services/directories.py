"""The directories of a library as they were ingested."""

from collections.abc import Mapping
from dataclasses import dataclass

from image_pipeline.files.partition import Partition
from image_pipeline.storage.ledger import LedgerEntry


@dataclass(frozen=True)
class DirectoryRecord:
    """A directory (text, relative to the library; `.`: the library itself), without those below it.

    Its files, those of them that are points or in quarantine, and when it was ingested last (ISO 8601, UTC).
    """

    directory: str
    files: int
    indexed: int
    quarantined: int
    ingested_at: str


def ingested_directories(entries: Mapping[str, LedgerEntry]) -> list[DirectoryRecord]:
    """The directories that the entries of the ledger are about, by name; a large one has several entries."""
    found: dict[str, list[LedgerEntry]] = {}
    for key, entry in entries.items():
        found.setdefault(Partition.from_key(key).directory or ".", []).append(entry)
    return [
        DirectoryRecord(
            directory,
            sum(one.files for one in parts),
            sum(one.indexed for one in parts),
            sum(one.quarantined for one in parts),
            max(one.ingested_at for one in parts),
        )
        for directory, parts in sorted(found.items())
    ]
