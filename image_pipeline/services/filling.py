"""The filling of a version of the collection from the tables of the stages: no image goes through a model."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property

from image_pipeline.collection.collection import Collection, CollectionVersion
from image_pipeline.collection.ownership import own_collection
from image_pipeline.collection.points import Point, difference
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.versions import complete_version
from image_pipeline.errors import ModelError, StoreError
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import OUTDATED
from image_pipeline.schema.rows import Stage
from image_pipeline.stages.partition_points import Provenance, points_of
from image_pipeline.stages.registry import STAGES
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.locks import StillHeldError, exclusive_lock
from image_pipeline.storage.tables import PartitionTables, StageTables
from image_pipeline.terminal import counted

TURN_SECONDS = 1.0
"""How long the index lock is kept at a time, so that runs can write in between."""

REPORT_SECONDS = 10.0
"""Seconds between two log lines about the progress."""

_PAUSE_SECONDS = 0.1  # a waiting process tries to take a lock every 0.05 s
_GROUP_POINTS = 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filling:
    """Fills versions of the collection from `tables`, and records each partition in `ledger` when it is in them.

    `current` returns the recipe and the versions of the stages of the current models; it may raise ModelError.
    """

    tables: StageTables
    ledger: Ledger
    current: Callable[[], tuple[str, Mapping[Stage, str]]]

    def fill(self, qdrant: Qdrant, moves: Mapping[str, CollectionVersion], to: str, seconds: float | None) -> bool:
        """Move the partitions that the ledger has in a version named by a key of `moves` to the version of that key.

        Returns False if that takes longer than `seconds` (None: no limit); a call that was interrupted, or took too
        long, is continued by the next one. One process at a time does this; others wait. Partitions that are outdated
        are left to the next ingestion, and so are those whose tables do not match their points. In the end, the alias
        moves to the last of the versions, if there is none or if that version holds every partition, and replaced
        versions are deleted.

        `to` describes the versions to people. Raises CollectionError if Qdrant refuses or if the collection belongs to
        a different library, ServiceUnavailableError if it does not answer.
        """
        ends_at = math.inf if seconds is None else time.monotonic() + seconds
        progress = _Progress(self.ledger, moves, to)
        try:
            with self._alone(progress, ends_at):
                for before, version in moves.items():
                    collection = qdrant.collection(version)
                    while self._move_some(qdrant, collection, before, ends_at):
                        progress.report()
                        if time.monotonic() >= ends_at:
                            return False
                        time.sleep(_PAUSE_SECONDS)
                    self._complete(qdrant, collection, version == [*moves.values()][-1], ends_at)
                progress.end()
        except StillHeldError:
            return False
        return True

    def delete_retired(self, collection: Collection) -> None:
        """Delete the points of partitions that are not in the ledger, since an older program has retired them."""
        with self._index_lock(math.inf):
            if collection.exists:
                for key in set(collection.partition_keys()) - self.ledger.entries().keys():
                    collection.delete_partition(key)

    @contextmanager
    def _alone(self, progress: "_Progress", ends_at: float) -> Iterator[None]:
        """Be the only process that fills; while a different one does, its progress is logged."""
        with ExitStack() as kept:
            while True:
                try:
                    lock = exclusive_lock(self.tables.store.fill_lock_file, progress.to, 1.0, math.inf)
                    kept.enter_context(lock)
                    break
                except StillHeldError as error:
                    if time.monotonic() >= ends_at:
                        raise
                    progress.wait(error)
            progress.begin()
            yield

    @contextmanager
    def _index_lock(self, ends_at: float) -> Iterator[None]:
        store = self.tables.store
        seconds = None if ends_at == math.inf else max(0.0, ends_at - time.monotonic())
        with exclusive_lock(store.index_lock_file, f"the collection and the ledger of {store.home}", seconds):
            yield

    def _move_some(self, qdrant: Qdrant, collection: Collection, before: str, ends_at: float) -> bool:
        """Move partitions for `TURN_SECONDS`; False if there are none left."""
        with self._index_lock(ends_at):
            entries = [
                entry
                for entry in self.ledger.entries().values()
                if entry.collection == before and not entry.fingerprint.startswith(OUTDATED)
            ]
            if not entries:
                return False
            if not collection.exists:
                own_collection(qdrant, self.ledger.libraries())
            collection.create()
            own_collection(qdrant, self.ledger.libraries())
            turn_ends_at = time.monotonic() + TURN_SECONDS
            for group in _groups(entries):
                self._move(collection, group)
                if time.monotonic() >= turn_ends_at:
                    break
        return True

    def _move(self, collection: Collection, entries: Sequence[LedgerEntry]) -> None:
        existing = collection.digests([entry.key for entry in entries])
        upserts: list[Point] = []
        deletions: dict[str, list[str]] = {}
        moved = []
        for entry in entries:
            try:
                points = self._points(entry, collection.version)
            except StoreError:
                self.ledger.set_outdated([entry.key])
                continue
            change = difference(existing[entry.key], points)
            upserts += change.upserts
            deletions[entry.key] = change.deletions
            moved.append(entry)
        for _ in collection.upsert(upserts):
            pass
        for key, ids in deletions.items():
            collection.delete(key, ids)
        self.ledger.move(moved, collection.name)

    def _complete(self, qdrant: Qdrant, collection: Collection, is_last: bool, ends_at: float) -> None:
        with self._index_lock(ends_at):
            if not collection.exists:  # nothing was moved
                return
            entries = self.ledger.entries()
            if is_last and qdrant.alias_target() is None:
                collection.point_alias_here()
            for name in complete_version(collection, entries):
                _log.info("%s is complete and is searched now; %s was deleted.", collection.name, name)

    def _points(self, entry: LedgerEntry, version: CollectionVersion) -> list[Point]:
        """The points of a partition. Raises StoreError if its tables do not have them all."""
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


class _Progress:
    """Tells people how many photographs have been moved `to` other versions."""

    def __init__(self, ledger: Ledger, moves: Mapping[str, CollectionVersion], to: str) -> None:
        self._ledger, self._moves, self.to = ledger, moves, to
        self._told_at = -math.inf

    def begin(self) -> None:
        """Say what is going to be done, if there is anything."""
        done, left = self._counts
        if left:
            so_far = f" ({done:,} are moved already)" if done else ""
            moved = counted(done + left, "photograph")
            _log.warning("Moving %s to %s, once and without a model%s.", moved, self.to, so_far)
            self._told_at = time.monotonic()

    def report(self) -> None:
        """Say how far it is, every few seconds."""
        if time.monotonic() - self._told_at >= REPORT_SECONDS:
            done, left = self._counts
            if left:
                _log.info("%s of %s are moved.", f"{done:,}", counted(done + left, "photograph"))
            self._told_at = time.monotonic()

    def wait(self, held: StillHeldError) -> None:
        """Say who does it, and how far it is, every few seconds."""
        if time.monotonic() - self._told_at >= REPORT_SECONDS:
            done, left = self._counts
            _log.warning(
                "Waiting for %s, which moves photographs to %s: %s of %s are moved.",
                *(held, self.to, f"{done:,}", f"{done + left:,}"),
            )
            self._told_at = time.monotonic()

    def end(self) -> None:
        """Say what was left out."""
        entries = [entry for entry in self._ledger.entries().values() if entry.collection in self._moves]
        if left := sum(entry.indexed for entry in entries):
            _log.warning(
                "%s in %s are left to the next `image-pipeline ingest`, since the tables of the store lack them.",
                counted(left, "photograph"),
                counted(len(entries), "directory", "directories"),
            )

    @property
    def _counts(self) -> tuple[int, int]:
        """The numbers of photographs that are moved, and that are not."""
        by_version = self._ledger.photographs()
        versions = {version.name for version in self._moves.values()}
        return sum(by_version.get(name, 0) for name in versions), sum(by_version.get(name, 0) for name in self._moves)


def _groups(entries: Sequence[LedgerEntry]) -> Iterator[list[LedgerEntry]]:
    """Partitions in groups of about `_GROUP_POINTS` points, since each request to Qdrant and the ledger takes time."""
    group: list[LedgerEntry] = []
    points = 0
    for entry in entries:
        if group and points + entry.indexed > _GROUP_POINTS:
            yield group
            group, points = [], 0
        group.append(entry)
        points += entry.indexed
    if group:
        yield group
