"""The collection in Qdrant: brings the points of each partition up to date, and records it in the ledger."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection, CollectionVersion
from image_pipeline.collection.ownership import own_collection
from image_pipeline.collection.points import Point, difference
from image_pipeline.errors import StoreError
from image_pipeline.files.deletions import Shrinkage
from image_pipeline.files.partition import Partition
from image_pipeline.progress import Counter
from image_pipeline.schema.rows import ContentHash, DiscoveredFile, Stage
from image_pipeline.stages.partition_points import (
    Provenance,
    check_tables,
    damaged_files,
    lasting_fingerprint,
    points_of,
    quarantine_of,
    read_tables,
    without_metadata,
)
from image_pipeline.stages.registry import LAST_STAGES
from image_pipeline.stages.unchanged import Unchanged
from image_pipeline.storage.history import FileEvent
from image_pipeline.storage.ledger import Ledger, LedgerEntry, QuarantinedFile
from image_pipeline.storage.locks import index_lock
from image_pipeline.storage.tables import StageTables

READS = (Stage.CONTENT_HASHES, *LAST_STAGES)
"""The stages that have to run first."""

TIDY_POINTS = 50_000
"""A run tidies up after every so many points: until then, the embedded Qdrant holds them in memory, and reads them anew
whenever a search has had its turn."""


@contextmanager
def open_collection(
    address: QdrantAddress, version: CollectionVersion, tables: StageTables, ledger: Ledger
) -> Iterator[Collection]:
    """Open a `version` of the collection for the length of the block, and create it if it does not exist.

    If an existing version was lost, its partitions no longer count as ingested. Raises CollectionError as
    `Collection.ensure` does, or if the collection belongs to a different library, and ServiceUnavailableError if Qdrant
    does not answer.
    """
    with address.connect(version.alias) as qdrant:
        collection = qdrant.collection(version)
        with index_lock(tables.store):  # else two processes that create a first version would both set the alias
            own_collection(qdrant, ledger.libraries())
            if not collection.exists:  # before it is created: if the run ends in between, the next run does this again
                entries = ledger.entries()
                ledger.set_outdated([key for key, entry in entries.items() if entry.collection == version.name])
            collection.ensure()
            own_collection(qdrant, ledger.libraries())
        yield collection


@dataclass(frozen=True)
class IndexedPartition:
    """The points and the quarantine of a partition, and the numbers of points written, deleted and left unchanged.

    `events` are the changes of its files since it was last ingested.
    """

    points: list[Point]
    quarantine: list[QuarantinedFile]
    events: list[FileEvent]
    upserted: int
    deleted: int
    unchanged: int


@dataclass(frozen=True)
class Indexer:
    """Indexes partitions in one version of the collection.

    `recipe` names the versions of everything that made the points.
    """

    collection: Collection
    tables: StageTables
    ledger: Ledger
    provenance: Provenance
    recipe: str
    shrinkage: Shrinkage

    @contextmanager
    def locked(
        self, partitions: Sequence[Partition]
    ) -> Iterator[Callable[[Partition], IndexedPartition | LedgerEntry]]:
        """Yields a function that makes the collection hold exactly the readable files of one of `partitions`.

        For a partition that is unchanged since it was ingested, and has as many points in the collection as then, the
        function does nothing and returns the ledger's entry.

        New points are written before old ones are deleted, so that a renamed file can be found at any time. The ledger
        is written last, so that an interrupted run is repeated. One process at a time holds the index lock, for the
        length of the block, so that the later of two runs determines the whole result. The existing points are read
        only once, since the embedded Qdrant scans all of its points for each request.

        Raises CollectionError if Qdrant refuses, ServiceUnavailableError if it does not answer. The function raises the
        same errors, StoreError if a stage has not run or its table is older than its input, and LibraryError if too
        many points would disappear.
        """
        with index_lock(self.tables.store):
            keys = [partition.key for partition in partitions]
            entered = self.ledger.entries()
            held = self._held(keys, entered)
            existing = self.collection.digests([key for key in keys if key not in held])
            written = 0
            splits: dict[str, list[Partition]] = {}
            for other in map(Partition.from_key, entered):
                splits.setdefault(other.directory, []).append(other)

            def index(partition: Partition) -> IndexedPartition | LedgerEntry:
                nonlocal written
                if partition.key in held:
                    return held[partition.key]
                others = [o.key for o in splits.get(partition.directory, ()) if o.parts != partition.parts]
                try:
                    indexed = self._index(partition, existing[partition.key], others)
                except StoreError:  # damaged or inconsistent tables: the next run makes them again
                    self.ledger.set_outdated([partition.key])
                    raise
                written += indexed.upserted
                if written >= TIDY_POINTS:
                    written = 0
                    self.collection.tidy()
                return indexed

            yield index
            self.collection.tidy()

    def _held(self, keys: Sequence[str], entered: Mapping[str, LedgerEntry]) -> dict[str, LedgerEntry]:
        unchanged = Unchanged(self.recipe, self.tables, entered)
        entries = {key: entry for key in keys if (entry := unchanged.entry(key)) is not None}
        here = {key: entry for key, entry in entries.items() if entry.collection == self.collection.version.name}
        counts = self.collection.counts(list(here)) if here else {}
        return {key: entry for key, entry in here.items() if counts[key] == entry.indexed}

    def _index(self, partition: Partition, existing: Mapping[str, str], others: Sequence[str]) -> IndexedPartition:
        """`others` are parts of the same directory from a different split, whose points may be overwritten here."""
        tables = read_tables(self.tables, partition.key)
        fingerprint = self.tables.note(DiscoveredFile, partition.key) or ""
        check_tables(partition, tables, self.provenance)
        points = points_of(partition, tables, self.provenance)
        quarantine = quarantine_of(partition, tables, self.provenance)
        self.shrinkage.add(len(existing), len(points))
        change = difference(existing, points)
        if change.upserts or change.deletions:
            self.ledger.set_outdated([partition.key, *(others if change.upserts else ())])
        counter = Counter("qdrant_collection", len(change.upserts))
        for written in self.collection.upsert(change.upserts):
            counter.advance(written)
        self.collection.delete(partition.key, change.deletions)
        entry = LedgerEntry(
            key=partition.key,
            fingerprint=lasting_fingerprint(fingerprint, quarantine, tables),
            files=len(tables[ContentHash]),
            indexed=len(points),
            quarantined=len(quarantine),
            collection=self.collection.version.name,
            recipe=self.recipe,
            run_id=self.provenance.run_id,
            ingested_at=self.provenance.at,
        )
        indexed = {point.payload["path"]: point.payload["sha256"] for point in points}
        events = self.ledger.record(entry, quarantine, indexed, without_metadata(points, tables), damaged_files(points))
        return IndexedPartition(
            points, quarantine, events, len(change.upserts), len(change.deletions), len(points) - len(change.upserts)
        )
