"""Verification: a pure comparison of what was read from disk, store and collection."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from image_pipeline.collection.engine import ROUNDING
from image_pipeline.collection.points import Point, PointId, PointRecord, point_id


@dataclass(frozen=True)
class StoredPartition:
    """A partition in the store: its points and its quarantine (sha256, None if unreadable), both by path.

    `is_current` is False if it was made by models or versions other than the current ones.
    """

    points: Mapping[str, Point]
    quarantined: Mapping[str, str | None]
    is_current: bool


@dataclass(frozen=True)
class Finding:
    """A file or a point that is not as it should be.

    `path` is that of the file, or the id of a point that has no path. `partition_key` is the partition whose run would
    repair it; for an orphaned point, the one in its payload. `point_id` is None if there is no point.
    """

    path: str
    partition_key: str | None
    point_id: PointId | None = None


@dataclass(frozen=True)
class Comparison:
    """A partition's findings; `extra` are points that belong to none of its readable files."""

    missing: list[Finding]
    stale: list[Finding]
    orphaned: list[Finding]
    extra: list[PointRecord]


@dataclass(frozen=True)
class Verification:
    """The disagreements between disk, store and collection.

    `missing`: files without a point that are not in quarantine. `stale`: points whose content differs from that of
    their file, that were made by other models, or that differ from the store. `orphaned`: points or quarantine entries
    without a readable file, and points with an id that does not match their file.

    `quarantined` and `without_metadata` are paths, not disagreements; the latter have a point, but their metadata could
    not be read, and is tried again. `collection` is the version whose points were read, None if there was none.
    `damaged` are the versions whose files an embedded Qdrant cannot read, and why; then no points were compared.
    """

    missing: tuple[Finding, ...]
    orphaned: tuple[Finding, ...]
    stale: tuple[Finding, ...]
    quarantined: tuple[str, ...]
    without_metadata: tuple[str, ...] = ()
    collection: str | None = None
    damaged: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether disk, store and collection agree."""
        return not (self.missing or self.orphaned or self.stale or self.damaged)

    @property
    def paths(self) -> dict[str, list[str]]:
        """The paths of each kind of finding, of files in quarantine, and of files without metadata."""
        findings = {"missing": self.missing, "orphaned": self.orphaned, "stale": self.stale}
        paths = {kind: [finding.path for finding in found] for kind, found in findings.items()}
        return {**paths, "quarantined": list(self.quarantined), "without_metadata": list(self.without_metadata)}


def compare_partition(
    key: str,
    disk: Mapping[str, str | None],
    stored: StoredPartition,
    held: Sequence[PointRecord],
    rounding: float = ROUNDING,
) -> Comparison:
    """Compare a partition's files on `disk` (path → sha256, None if unreadable) with the store and the collection.

    `held` are the points whose payload names this partition; their vectors, of unit length, may differ from the stored
    ones by a Euclidean distance of `rounding`.
    """
    paths: dict[PointId, str] = {point_id(path): path for path in disk}
    points: dict[str, PointRecord] = {}
    extra: list[PointRecord] = []
    for point in held:
        path = paths.get(point.id)
        if path is None or _is_quarantined(path, disk, stored):
            extra.append(point)
        else:
            points[path] = point
    missing, stale = [], []
    for path, sha256 in disk.items():
        if path in points:
            if not _agrees(sha256, stored, stored.points.get(path), points[path], rounding):
                stale.append(Finding(path, key, points[path].id))
        elif not _is_quarantined(path, disk, stored):
            missing.append(Finding(path, key))
    orphaned = [Finding(path, key) for path in stored.quarantined if path not in disk]
    return Comparison(missing, stale, orphaned, extra)


def conclude(
    comparisons: Iterable[Comparison],
    strays: Iterable[PointRecord],
    rows_left: Iterable[Finding],
    quarantined: Sequence[str],
    without_metadata: Sequence[str] = (),
) -> Verification:
    """Combine the findings of all partitions.

    `strays` are the points, and `rows_left` the quarantine entries, of partitions that are not on disk.
    """
    missing: list[Finding] = []
    stale: list[Finding] = []
    orphaned: list[Finding] = list(rows_left)
    extra: list[PointRecord] = list(strays)
    for comparison in comparisons:
        missing += comparison.missing
        stale += comparison.stale
        orphaned += comparison.orphaned
        extra += comparison.extra
    without_point: dict[PointId, Finding] = {point_id(finding.path): finding for finding in missing}
    for point in extra:
        file = without_point.pop(point.id, None)
        if file is None:
            orphaned.append(Finding(point.path or str(point.id), point.partition_key, point.id))
        else:  # it has a point, but the payload names another partition
            stale.append(Finding(file.path, file.partition_key, point.id))
    return Verification(
        _sorted(without_point.values()),
        _sorted(orphaned),
        _sorted(stale),
        tuple(sorted(quarantined)),
        tuple(sorted(without_metadata)),
    )


def _is_quarantined(path: str, disk: Mapping[str, str | None], stored: StoredPartition) -> bool:
    """Whether a file is in quarantine with its present content; an unreadable file counts as unchanged."""
    return path in stored.quarantined and disk[path] in (None, stored.quarantined[path])


def _agrees(
    sha256: str | None, stored: StoredPartition, expected: Point | None, held: PointRecord, rounding: float
) -> bool:
    if sha256 is None or expected is None or held.vector is None or not stored.is_current:
        return False
    if (sha256, held.digest) != (expected.payload["sha256"], expected.digest):
        return False
    vector = np.asarray(expected.vector, np.float32)
    return vector.shape == held.vector.shape and bool(np.linalg.norm(held.vector - vector) <= rounding)


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.path, str(finding.point_id))))
