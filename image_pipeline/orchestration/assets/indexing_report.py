"""The report on the partitions that a run indexed: metadata for Dagster's page, and the run's log."""

from collections.abc import Mapping

import dagster as dg

from image_pipeline.orchestration.assets.contact_sheet import contact_sheet
from image_pipeline.orchestration.assets.step import LISTED_ROWS, records
from image_pipeline.stages.qdrant_collection import IndexedPartition
from image_pipeline.storage.history import Event
from image_pipeline.storage.ledger import LedgerEntry
from image_pipeline.storage.store import Store
from image_pipeline.terminal import escaped

MOST_PICTURES, LEAST_PICTURES, PICTURES_OF_A_RUN = 12, 4, 400
"""The numbers of pictures on contact sheets: the most and the least per partition, and about how many per run."""


def pictures_shown(partitions: int) -> int:
    """The number of pictures on the contact sheet of each of a run's `partitions`."""
    return min(MOST_PICTURES, max(LEAST_PICTURES, PICTURES_OF_A_RUN // max(1, partitions)))


def indexed_metadata(store: Store, indexed: IndexedPartition, shown: int) -> dict[str, int | dg.MetadataValue]:
    """The metadata of a partition: counts, a contact sheet of `shown` pictures, the quarantine."""
    pictures = [
        (store.thumbnail_file(point.payload["sha256"]), point.payload.get("caption", ""))
        for point in indexed.points[:shown]
    ]
    quarantine = [(file.path, file.reason, file.message) for file in indexed.quarantine[:LISTED_ROWS]]
    return {
        "dagster/row_count": len(indexed.points),
        "points_upserted": indexed.upserted,
        "points_deleted": indexed.deleted,
        "points_unchanged": indexed.unchanged,
        "contact_sheet": dg.MetadataValue.md(contact_sheet(pictures)),
        "quarantined": len(indexed.quarantine),
        "quarantine": records(["path", "reason", "message"], quarantine),
    }


def library_metadata(entries: Mapping[str, LedgerEntry]) -> dict[str, int]:
    """The counts of the whole library."""
    return {
        "library_files": sum(entry.files for entry in entries.values()),
        "library_points": sum(entry.indexed for entry in entries.values()),
        "library_quarantined": sum(entry.quarantined for entry in entries.values()),
    }


def log_indexed(log: dg.DagsterLogManager, key: str, indexed: IndexedPartition) -> None:
    """Log a warning for each file that went into quarantine since the last run, and a line about the partition."""
    for event in indexed.events:
        if event.event is Event.QUARANTINED:
            what = {"partition": key, "path": event.path, "sha256": event.sha256, "reason": event.reason}
            log.warning(escaped(f"{event.path} is in quarantine: {event.reason} ({event.message})"), extra=what)
    counts = {
        "files": len(indexed.points) + len(indexed.quarantine),
        "indexed": len(indexed.points),
        "quarantined": len(indexed.quarantine),
        "upserted": indexed.upserted,
        "deleted": indexed.deleted,
        "unchanged": indexed.unchanged,
    }
    changes = ", ".join(f"{name}: {count}" for name, count in counts.items())
    log.info(f"{key} is up to date ({changes}).", extra={"partition": key, **counts})
