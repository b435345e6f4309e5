"""Reports of partitions for Dagster's page: of those that a run indexed, and of those that it left unchanged."""

from collections.abc import Mapping
from functools import cached_property

import dagster as dg

from image_pipeline.orchestration.assets.contact_sheet import contact_sheet
from image_pipeline.orchestration.assets.step import LISTED_ROWS, records, unchanged_metadata
from image_pipeline.orchestration.resources import StoreResource
from image_pipeline.schema.rows import DecodedContent, ImageCaption
from image_pipeline.stages.qdrant_collection import IndexedPartition
from image_pipeline.storage.history import Event
from image_pipeline.storage.ledger import LedgerEntry, QuarantinedFile
from image_pipeline.storage.store import Store
from image_pipeline.terminal import escaped

MOST_PICTURES, LEAST_PICTURES = 12, 4
"""The most and the fewest pictures on the contact sheet of a partition."""

PICTURES_OF_RUN, PICTURES_OF_UNCHANGED_RUN = 400, 24
"""About how many pictures a run shows: one without changes should take next to no time."""


def pictures_shown(partitions: int, pictures: int = PICTURES_OF_RUN) -> int:
    """The number of pictures on the contact sheet of each of `partitions`, in a run that shows about `pictures`."""
    return min(MOST_PICTURES, max(LEAST_PICTURES, pictures // max(1, partitions)))


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


class UnchangedReport:
    """The metadata of unchanged partitions, from the ledger and the tables; nothing is decoded again."""

    def __init__(self, store: StoreResource, partitions: int) -> None:
        """`partitions` is the number of partitions in the run."""
        self._store = store
        self._left = PICTURES_OF_UNCHANGED_RUN
        self._shown = pictures_shown(partitions, PICTURES_OF_UNCHANGED_RUN)

    def of_points(self, entry: LedgerEntry) -> dict[str, int | str | dg.MetadataValue]:
        """The metadata of a partition in `qdrant_collection`."""
        files = [(file.path, file.reason, file.message) for file in self._quarantine(entry)]
        return {
            **unchanged_metadata(entry, entry.indexed),
            "points_unchanged": entry.indexed,
            "contact_sheet": dg.MetadataValue.md(self._sheet(entry)),
            "quarantined": entry.quarantined,
            "quarantine": records(["path", "reason", "message"], files),
            "collection": entry.collection,
        }

    def of_tensors(self, entry: LedgerEntry, rows: int) -> dict[str, int | str | dg.MetadataValue]:
        """The metadata of a partition in `decoded_tensors`, whose table has `rows` rows."""
        contents = {file.sha256: file for file in self._quarantine(entry) if file.sha256 is not None}
        bad = [(sha256[:12], file.reason, file.message) for sha256, file in contents.items()]
        return {
            **unchanged_metadata(entry, rows),
            "quarantined": len(contents),
            "quarantine": records(["sha256", "reason", "message"], bad),
        }

    @cached_property
    def _quarantined(self) -> dict[str, list[QuarantinedFile]]:
        found: dict[str, list[QuarantinedFile]] = {}
        for file in self._store.ledger.quarantine():
            found.setdefault(file.partition_key, []).append(file)
        return found

    def _quarantine(self, entry: LedgerEntry) -> list[QuarantinedFile]:
        return self._quarantined.get(entry.key, [])[:LISTED_ROWS] if entry.quarantined else []

    def _sheet(self, entry: LedgerEntry) -> str:
        if self._left <= 0 and entry.indexed:
            return "Unchanged: see the contact sheet in the run that indexed this partition."
        tables, store = self._store.tables, self._store.store
        captions = {row.sha256: row.caption for row in tables.first(ImageCaption, entry.key, self._shown)}
        decoded = tables.first(DecodedContent, entry.key, self._shown + entry.quarantined)
        shown = [row.sha256 for row in decoded if row.reason is None][: self._shown]
        self._left -= len(shown)
        return contact_sheet([(store.thumbnail_file(sha256), captions.get(sha256, "")) for sha256 in shown])
