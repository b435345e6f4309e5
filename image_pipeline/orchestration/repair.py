"""Repair of what a verification finds: affected partitions are ingested again, and orphaned points are deleted."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.collection.ownership import own_collection
from image_pipeline.collection.points import PointId
from image_pipeline.collection.replaced import VersionReplacedError
from image_pipeline.errors import SettingsError
from image_pipeline.files.deletions import DeletionLimit
from image_pipeline.files.partition import Partition
from image_pipeline.orchestration.ingest import Ingestion
from image_pipeline.services.verification import Verification
from image_pipeline.services.verifier import Verifier
from image_pipeline.stages.retire import is_gone
from image_pipeline.storage.ledger import LedgerEntry
from image_pipeline.storage.partition_claims import PartitionClaims


@dataclass(frozen=True)
class Repair:
    """The findings of a repair, and what was done.

    `missing`, `orphaned`, `stale` and `damaged` are the numbers of findings, `partitions` is the number of partitions
    ingested again, `deleted` that of deleted points; `embedded` and `captioned` count the images that went through a
    model.
    """

    missing: int
    orphaned: int
    stale: int
    partitions: int
    deleted: int
    embedded: int
    captioned: int
    seconds: float
    damaged: int = 0


def repair(ingestion: Ingestion, on_run: Callable[[int, int], None], allow_deletions: bool) -> Repair:
    """Verify, and repair what is found; `on_run` is called with the numbers of finished and of all runs.

    Disagreeing partitions are marked as outdated, so that ordinary runs repair them. Damaged versions are deleted, so
    that ordinary runs make them again from the tables of the stages. Raises LibraryError if more points
    would be deleted than are allowed without `allow_deletions`; otherwise as `Verifier.verify` and `Ingestion.run` do.
    """
    began = time.monotonic()
    verifier = ingestion.verifier
    found = verifier.verify()
    if found.ok:
        return Repair(0, 0, 0, 0, 0, 0, 0, round(time.monotonic() - began, 2))
    entries = verifier.ledger.entries()
    if found.damaged:
        with verifier.address.connect(verifier.alias) as qdrant:
            own_collection(qdrant, verifier.ledger.libraries())
            qdrant.delete_versions(list(found.damaged))
    orphans = {f.point_id: f.partition_key for f in found.orphaned if f.point_id is not None}
    limit = DeletionLimit(ingestion.deletion_share, allow_deletions, "repair")
    limit.check(len(orphans), sum(entry.files for entry in entries.values()))
    nowhere = {key for key in orphans.values() if _is_nowhere(key, verifier.root, entries)}
    strays = [point_id for point_id, key in orphans.items() if key in nowhere]
    again = _set_outdated(verifier, found, strays, entries)
    again += sum(entry.collection in found.damaged for entry in entries.values())
    summary = ingestion.run(on_run, allow_deletions)
    return Repair(
        missing=len(found.missing),
        orphaned=len(found.orphaned),
        stale=len(found.stale),
        partitions=again,
        deleted=len(strays) + summary.deleted,
        embedded=summary.embedded,
        captioned=summary.captioned,
        seconds=round(time.monotonic() - began, 2),
        damaged=len(found.damaged),
    )


def _is_nowhere(key: str | None, root: Path, entries: Mapping[str, LedgerEntry]) -> bool:
    """Whether no run would delete the points of this partition: it is not on disk, and was never ingested."""
    if key is None or key in entries:
        return key is None
    try:
        return is_gone(root, Partition.from_key(key), entries)
    except SettingsError:  # not a key of this pipeline
        return True


def _set_outdated(
    verifier: Verifier, found: Verification, strays: list[PointId], entries: Mapping[str, LedgerEntry]
) -> int:
    """Delete strays, and mark the partitions of the other findings as outdated; returns the number of partitions."""
    stale = [finding.point_id for finding in found.stale if finding.point_id is not None]
    with verifier.address.connect(verifier.alias) as qdrant:
        own_collection(qdrant, verifier.ledger.libraries())
        # if a newer version replaced the one that was verified, leave it alone: these ids may be valid points there
        if found.collection is not None and found.collection in qdrant.versions():
            points = qdrant.points(found.collection)
            with suppress(VersionReplacedError), points.reading():
                points.delete_points(strays)
                points.mark_outdated(stale)
    unlike_disk = {finding.partition_key for finding in (*found.missing, *found.stale)}
    again = unlike_disk | {finding.partition_key for finding in found.orphaned if finding.partition_key in entries}
    keys = {key for key in again if key is not None}
    parts = [Partition.from_key(key) for key in keys & unlike_disk]
    tables = {one.key for part in parts for one in (part, *part.ancestors)}
    with PartitionClaims(verifier.tables.store) as claims:
        claims.take(keys | tables)  # a run that is processing one needs its tables
        verifier.ledger.set_outdated(keys)
        for key in tables:  # so that files are read again even if their size and times are unchanged
            verifier.tables.delete(key)
    return len(keys)
