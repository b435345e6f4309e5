"""The verifier: reads disk, store and collection in full, and compares them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.damaged import DamagedVersionError
from image_pipeline.collection.engine import ROUNDING
from image_pipeline.collection.points import PointRecord
from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.errors import StoreError
from image_pipeline.files.discovery import discover, list_each, walk
from image_pipeline.files.hashing import hash_each
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import ListedPartition, compare, list_partitions
from image_pipeline.files.status import FileStatus
from image_pipeline.progress import Counter
from image_pipeline.schema.outcome import PASSING
from image_pipeline.schema.rows import ContentHash, DecodedContent, Sidecar
from image_pipeline.services.verification import (
    Comparison,
    Finding,
    StoredPartition,
    Verification,
    compare_partition,
    conclude,
)
from image_pipeline.stages.partition_points import Provenance, points_of, read_tables, sidecars_by_file
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.tables import StageTables

_FILES_AT_ONCE = 4096

ListedSidecars = Mapping[str, Mapping[str, FileStatus]]
"""The sidecars on disk of each file that has any: path of the file → path of the sidecar → its status."""

Disk = Mapping[str, Mapping[str, str | None]]
"""The files on disk: partition key → path → sha256, None if the file cannot be read."""


@dataclass(frozen=True)
class Verifier:
    """Compares the library at `root` with the store, and with the collection that `alias` points to.

    `provenance` and `recipe` are those of the current models and versions; `threads` is the number of threads that read
    files.
    """

    root: Path
    tables: StageTables
    ledger: Ledger
    address: QdrantAddress
    alias: str
    provenance: Provenance
    recipe: str
    partition_size: int
    threads: int

    def verify(self) -> Verification:
        """Read every file and every point, and compare them.

        If they agree, what the embedded Qdrant has replaced is deleted. Files that are ingested meanwhile may be
        reported as wrong. If the version of the collection is replaced meanwhile, the points are read again. Raises
        LibraryError if the library, or a directory in it, cannot be listed, or if the library is empty although files
        of it were ingested; CollectionError and ServiceUnavailableError if Qdrant refuses or does not answer.
        """
        self.address.check()  # before all files are read
        ingested = self.ledger.ingested(self.recipe)
        listed = list_partitions(walk(self.root), self.partition_size, ingested)
        compare(listed, ingested)
        disk, sidecars = self._read_files(listed.values())
        # Qdrant is opened last, after the files were read: only one process at a time can use the embedded one
        quarantine: dict[str, dict[str, str | None]] = {}
        for file in self.ledger.quarantine():
            quarantine.setdefault(file.partition_key, {})[file.path] = file.sha256
        current = {key for key, entry in ingested.items() if entry.current}
        stored = {key: StoredPartition({}, quarantine.get(key, {}), key in current) for key in listed}
        rows_left = [Finding(path, key) for key, rows in quarantine.items() if key not in listed for path in rows]
        quarantined = [path for rows in quarantine.values() for path in rows]
        bare = [file.path for file in self.ledger.without_metadata() if file.path in disk.get(file.partition_key, {})]

        def compare_points() -> Verification:
            with self.address.connect(self.alias) as qdrant:
                damages = {name: qdrant.damage(name) for name in qdrant.versions()}
                damaged = {name: damage for name, damage in damages.items() if damage is not None}
                if damaged:
                    return replace(conclude([], [], rows_left, quarantined, bare), damaged=damaged)
                collection = qdrant.alias_target()
                points = None if collection is None else qdrant.points(collection)
                with nullcontext() if points is None else points.reading():
                    comparisons = list(self._compare(points, disk, stored, sidecars))
                    strays = [] if points is None else list(points.stray_points(listed))
            return replace(conclude(comparisons, strays, rows_left, quarantined, bare), collection=collection)

        try:
            verification = again_if_replaced(compare_points)
        except DamagedVersionError as error:  # found while its points were read
            verification = conclude([], [], rows_left, quarantined, bare)
            verification = replace(verification, damaged={error.version: error.reason})
        if verification.ok:
            self.address.settle()
        return verification

    def _read_files(self, listed: Iterable[ListedPartition]) -> tuple[Disk, ListedSidecars]:
        sizes = {partition.key: partition.files for partition in listed}
        disk: dict[str, dict[str, str | None]] = {key: {} for key in sizes}
        sidecars: dict[str, dict[str, FileStatus]] = {}
        counter = Counter("verification", sum(sizes.values()))
        for keys in _batches(sizes):
            found = []
            for partition, files in list_each(self.root, map(Partition.from_key, keys)):
                found += [(partition.key, file) for file in discover(self.root, partition, files, {}).files]
                for listed_file in files:
                    if listed_file.sidecars:
                        sidecars[partition.path_of(listed_file.name)] = {
                            partition.path_of(one.name): FileStatus.noted(one) for one in listed_file.sidecars
                        }
            with closing(hash_each(self.root, [file for _, file in found], self.threads)) as rows:
                for (key, _), row in zip(found, rows, strict=True):
                    disk[key][row.path] = row.sha256
                    counter.advance()
            counter.advance(max(0, sum(sizes[key] for key in keys) - len(found)))  # files that are not images
        return disk, sidecars

    def _compare(
        self,
        points: VersionPoints | None,
        disk: Disk,
        stored: Mapping[str, StoredPartition],
        sidecars: ListedSidecars,
    ) -> Iterator[Comparison]:
        rounding = ROUNDING if points is None else points.rounding
        for keys in _batches({key: len(hashes) for key, hashes in disk.items()}):
            held: dict[str, list[PointRecord]] = {key: [] for key in keys}
            if points is not None:
                for point in points.scroll(keys):
                    held[str(point.partition_key)].append(point)
            for key in keys:
                expected = self._with_points(key, stored[key], sidecars)
                yield compare_partition(key, disk[key], expected, held[key], rounding)

    def _with_points(self, key: str, stored: StoredPartition, sidecars: ListedSidecars) -> StoredPartition:
        """The partition with the points that the store has for it, but for files whose sidecars have changed since."""
        try:
            tables = read_tables(self.tables, key)
        except StoreError:  # a table is missing or damaged: the store has no points to compare
            return stored
        decoded = {row.sha256 for row in tables[DecodedContent]}
        # after a run that ended between two stages, the tables of the later stages lack the new files
        known = tables.having(ContentHash, [row for row in tables[ContentHash] if row.sha256 in decoded])
        points = points_of(Partition.from_key(key), known, self.provenance)
        described = sidecars_by_file(tables)
        by_path = {str(point.payload["path"]): point for point in points}
        current = {
            path: point
            for path, point in by_path.items()
            if not _have_changed(sidecars.get(path, {}), described.get(path, ()))
        }
        return replace(stored, points=current)


def _have_changed(listed: Mapping[str, FileStatus], stored: Sequence[Sidecar]) -> bool:
    """Whether the sidecars of a file differ from those that were read; one that could not be read is tried again."""
    if listed.keys() != {row.path for row in stored}:
        return True
    return any(row.reason not in PASSING and FileStatus.noted(row) != listed[row.path] for row in stored)


def check_ingested(ledger: Ledger, address: QdrantAddress, alias: str) -> None:
    """Raises StoreError before the first ingestion, when there is nothing to compare with the library."""
    if not ledger.entries() and address.versions(alias) == []:
        raise StoreError(
            f"Nothing has been ingested into the store {ledger.file.parent} yet: run `image-pipeline ingest DIRECTORY`."
        )


def _batches(sizes: Mapping[str, int]) -> Iterator[Sequence[str]]:
    """Partitions in groups with a limited number of files, for few requests to Qdrant and bounded memory."""
    keys: list[str] = []
    files = 0
    for key, size in sizes.items():
        if keys and files + size > _FILES_AT_ONCE:
            yield keys
            keys, files = [], 0
        keys.append(key)
        files += size
    if keys:
        yield keys
