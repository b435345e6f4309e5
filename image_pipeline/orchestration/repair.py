"""Mends what a verification finds: the partitions it concerns are ingested again, and points of nobody are deleted."""

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
    """What was found, and done about it.

    `missing`, `orphaned` and `stale` count what was found, `partitions` those that were ingested again, `deleted` the
    points that were deleted; `embedded` and `captioned` the images that went through a model.
    """

    missing: int
    orphaned: int
    stale: int
    partitions: int
    deleted: int
    embedded: int
    captioned: int
    seconds: float


def repair(ingestion: Ingestion, on_run: Callable[[int, int], None], allow_deletions: bool) -> Repair:
    """Verify, and mend what is found; `on_run` is told of the runs that are done, and of how many.

    Nothing is mended that a run would not do: a run is let take for changed what does not agree. Raises LibraryError
    where more would be deleted than may without `allow_deletions`, and as `Verifier.verify` and `Ingestion.run` do.
    """
    began = time.monotonic()
    verifier = ingestion.verifier
    found = verifier.verify()
    if found.ok:
        return Repair(0, 0, 0, 0, 0, 0, 0, round(time.monotonic() - began, 2))
    entries = verifier.ledger.entries()
    orphans = {f.point_id: f.partition_key for f in found.orphaned if f.point_id is not None}
    limit = DeletionLimit(ingestion.deletion_share, allow_deletions, "repair")
    limit.check(len(orphans), sum(entry.files for entry in entries.values()))
    nowhere = {key for key in orphans.values() if _is_nowhere(key, verifier.root, entries)}
    strays = [point_id for point_id, key in orphans.items() if key in nowhere]
    again = _set_outdated(verifier, found, strays, entries)
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
    )


def _is_nowhere(key: str | None, root: Path, entries: Mapping[str, LedgerEntry]) -> bool:
    """Whether no run would delete a point of this partition: it is not on disk, and was never ingested."""
    if key is None or key in entries:
        return key is None
    try:
        return is_gone(root, Partition.from_key(key), entries)
    except SettingsError:  # no key of this pipeline
        return True


def _set_outdated(
    verifier: Verifier, found: Verification, strays: list[PointId], entries: Mapping[str, LedgerEntry]
) -> int:
    """Delete strays, and let the next run do the other findings' partitions again; gives how many those are."""
    stale = [finding.point_id for finding in found.stale if finding.point_id is not None]
    with verifier.address.connect(verifier.alias) as qdrant:
        own_collection(qdrant, verifier.ledger.libraries())
        # of a version that has replaced the one that was read, nothing is known: an id may be a rightful point there
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
        claims.take(keys | tables)  # a run that is at work on one needs its tables
        verifier.ledger.set_outdated(keys)
        for key in tables:  # so that files are read that look as they did
            verifier.tables.delete(key)
    return len(keys)
