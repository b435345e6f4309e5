"""Unchanged partitions: their files are the same as when they were ingested, so no stage has anything to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from image_pipeline.files.plan import OUTDATED
from image_pipeline.schema.rows import DiscoveredFile, Stage
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.tables import StageTables


@dataclass(frozen=True)
class Unchanged:
    """Finds the partitions of `entries` that are unchanged and were ingested with the current `recipe`."""

    recipe: str
    tables: StageTables
    entries: Mapping[str, LedgerEntry]

    def entry(self, partition_key: str, fingerprint: str | None = None) -> LedgerEntry | None:
        """The ledger's entry of a partition that is unchanged and has all its tables; None if it has to be processed.

        `fingerprint` is that of a new listing, if there is one. The partition is unchanged if both this and its stored
        listing match the entry.
        """
        entry = self.entries.get(partition_key)
        if entry is None or entry.recipe != self.recipe or not entry.fingerprint:
            return None
        if fingerprint not in (None, entry.fingerprint):
            return None
        if self.tables.note(DiscoveredFile, partition_key) != entry.fingerprint:
            return None
        files = (self.tables.store.table_file(stage, partition_key) for stage in Stage)
        return entry if all(file.exists() for file in files) else None

    def begin(self, partition_key: str, ledger: Ledger) -> None:
        """Mark a partition that is about to be processed: until it is indexed, it does not count as ingested."""
        if self.counts_as_ingested(partition_key):
            ledger.set_outdated([partition_key])

    def is_of_recipe(self, partition_key: str) -> bool:
        """Whether a partition was ingested with the current recipe, even if its files have changed since."""
        entry = self.entries.get(partition_key)
        return entry is not None and entry.recipe == self.recipe

    def counts_as_ingested(self, partition_key: str) -> bool:
        """Whether a partition is in the ledger, with any recipe, and not marked as outdated."""
        entry = self.entries.get(partition_key)
        return entry is not None and not entry.fingerprint.startswith(OUTDATED)
