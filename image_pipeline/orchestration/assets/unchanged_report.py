"""The report on the partitions that a run left unchanged: it shows what was shown when they were made."""

from functools import cached_property

import dagster as dg

from image_pipeline.orchestration.assets.contact_sheet import contact_sheet
from image_pipeline.orchestration.assets.step import LISTED_ROWS, records, unchanged_metadata
from image_pipeline.orchestration.resources import StoreResource
from image_pipeline.schema.rows import DecodedContent, ImageCaption
from image_pipeline.storage.ledger import LedgerEntry, QuarantinedFile

MOST_PICTURES, LEAST_PICTURES, PICTURES_OF_A_RUN = 12, 4, 24
"""The numbers of pictures on contact sheets: the most and the least per partition, and about how many per run.

A run without changes should take next to no time, so it shows fewer than other runs.
"""


class Remembered:
    """The metadata of unchanged partitions, from the ledger and the tables; nothing is decoded again."""

    def __init__(self, store: StoreResource, partitions: int) -> None:
        """`partitions` is the number of partitions in the run."""
        self._store = store
        self._left = PICTURES_OF_A_RUN
        self._shown = min(MOST_PICTURES, max(LEAST_PICTURES, PICTURES_OF_A_RUN // max(1, partitions)))

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
