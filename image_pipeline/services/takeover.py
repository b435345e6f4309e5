"""The take-over of a collection in the former embedded Qdrant: it is made again from the tables of the stages."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from image_pipeline.collection.collection import Collection, CollectionVersion
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.former import Former, read_former
from image_pipeline.collection.points import Point
from image_pipeline.errors import ModelError, StoreError
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import OUTDATED
from image_pipeline.progress import Counter
from image_pipeline.schema.rows import Stage
from image_pipeline.stages.partition_points import Provenance, points_of
from image_pipeline.stages.registry import STAGES
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.own_files import contents
from image_pipeline.storage.removal import delete_empty
from image_pipeline.storage.tables import PartitionTables, StageTables

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FormerCollection(Former):
    """The collection in the former embedded Qdrant in `directory`, as the tables and the ledger know it.

    `current` returns the recipe and the versions of the stages of the current models; it may raise ModelError.
    """

    directory: Path
    tables: StageTables
    ledger: Ledger
    current: Callable[[], tuple[str, Mapping[Stage, str]]]

    @property
    def exists(self) -> bool:
        """Whether its folder exists."""
        return self.directory.is_dir()

    def fill(self, engine: Engine) -> None:
        """Make its versions in `engine`, from the tables of each partition in the ledger.

        Partitions whose tables are missing, or newer than their points, are marked as outdated: the next ingestion adds
        them. No image goes through a model. Raises as the engine does.
        """
        former, entries = read_former(self.directory), self.ledger.entries()
        if not former.versions:
            return
        total = sum(entry.indexed for entry in entries.values())
        _log.warning("Moving %s photographs to a new embedded Qdrant, once and without a model.", f"{total:,}")
        counter = Counter("qdrant_collection", total)
        for version, metadata in former.versions.items():
            engine.drop(version.name)  # of a take-over that was interrupted
            collection = Collection(engine, version)
            collection.ensure()
            for key, value in metadata.items():
                engine.set_metadata(version.name, key, str(value))
            for entry in entries.values():
                if entry.collection != version.name:
                    continue
                try:
                    points = self._points(entry, version)
                except StoreError:
                    self.ledger.set_outdated([entry.key])
                else:
                    for written in collection.upsert(points):
                        counter.advance(written)
        for alias, name in former.aliases.items():
            engine.set_alias(alias, name)

    def delete(self) -> None:
        """Delete the files of the former embedded Qdrant; those that are not the pipeline's own stay."""
        home = self.tables.store.home
        found = contents(home, is_marked=True)
        for file in found.files:
            if (home / file).is_relative_to(self.directory):
                (home / file).unlink(missing_ok=True)
        delete_empty(home, [path for path in found.directories if (home / path).is_relative_to(self.directory)])
        _log.info("The former embedded Qdrant in %s was deleted.", self.directory)

    def _points(self, entry: LedgerEntry, version: CollectionVersion) -> list[Point]:
        """The points of a partition. Raises StoreError if its tables do not have them all."""
        if entry.fingerprint.startswith(OUTDATED):  # a run may have replaced some of its tables
            raise StoreError(f"{entry.key!r} is outdated.")
        # a table that an older version of this program did not have yet is empty
        read = {one.stage: self.tables.read_if_exists(one.row, entry.key) or [] for one in STAGES.values()}
        provenance = Provenance(self._versions(entry, version), entry.run_id, entry.ingested_at)
        points = points_of(Partition.from_key(entry.key), PartitionTables(read), provenance)
        if len(points) != entry.indexed or any(len(point.vector) != version.dimension for point in points):
            raise StoreError(f"The tables of {entry.key!r} are not those of its points.")
        return points

    def _versions(self, entry: LedgerEntry, version: CollectionVersion) -> Mapping[Stage, str]:
        """The versions of the stages that made a partition, as far as they are known."""
        recipe, versions = self._current
        return versions if entry.recipe == recipe else {Stage.EMBEDDINGS: version.producer}

    @cached_property
    def _current(self) -> tuple[str, Mapping[Stage, str]]:
        try:
            return self.current()
        except ModelError:
            return "", {}
