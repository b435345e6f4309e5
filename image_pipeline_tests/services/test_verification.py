"""Whether disk, store and collection agree, told from what was read of each."""

from dataclasses import replace

import numpy as np
import pytest

from image_pipeline.collection.points import Point, make_point, point_id
from image_pipeline.services.verification import (
    Finding,
    PointRecord,
    StoredPartition,
    Verification,
    compare_partition,
    conclude,
)

KEY = "trip"
VECTOR = [0.6, 0.8, 0.0]


def point(path: str, sha256: str = "aa") -> Point:
    return make_point(path, VECTOR, {"partition": KEY, "sha256": sha256})


def held(made: Point) -> PointRecord:
    vector = np.array(made.vector, np.float32)
    return PointRecord(made.id, made.payload["path"], made.payload["partition"], made.digest, vector)


A, B = point("trip/a.jpg"), point("trip/b.jpg", "bb")
DISK = {"trip/a.jpg": "aa", "trip/b.jpg": "bb"}
STORED = StoredPartition({"trip/a.jpg": A, "trip/b.jpg": B}, {}, is_current=True)


def verify(
    disk: dict[str, str | None] = DISK,  # type: ignore[assignment]
    stored: StoredPartition = STORED,
    points: tuple[PointRecord, ...] = (held(A), held(B)),
    strays: tuple[PointRecord, ...] = (),
) -> Verification:
    return conclude([compare_partition(KEY, disk, stored, points)], strays, [], [*stored.quarantined])


def paths(verification: Verification) -> dict[str, list[str]]:
    return {kind: some for kind, some in verification.paths.items() if some}


def test_what_agrees_is_ok() -> None:
    assert verify().ok and paths(verify()) == {}
    assert verify({}, StoredPartition({}, {}, True), ()).ok


def test_a_file_without_a_point_is_missing() -> None:
    found = verify(points=(held(A),))
    assert not found.ok and paths(found) == {"missing": ["trip/b.jpg"]}
    assert found.missing == (Finding("trip/b.jpg", KEY),)
    assert paths(verify({**DISK, "trip/c.jpg": "cc"})) == {"missing": ["trip/c.jpg"]}, "it was not ingested yet"


def test_a_point_without_a_file_is_orphaned() -> None:
    assert paths(verify({"trip/a.jpg": "aa"})) == {"orphaned": ["trip/b.jpg"]}
    gone = PointRecord(point_id("gone/c.jpg"), "gone/c.jpg", "gone")
    assert verify(strays=(gone,)).orphaned == (Finding("gone/c.jpg", "gone", gone.id),)


def test_a_second_point_for_a_file_is_orphaned_and_so_is_what_is_not_the_pipelines() -> None:
    doubled = replace(held(A), id=point_id("another path"))
    assert paths(verify(points=(held(A), held(B), doubled))) == {"orphaned": ["trip/a.jpg"]}
    assert paths(verify(strays=(PointRecord(17, None, None),))) == {"orphaned": ["17"]}


@pytest.mark.parametrize(
    "wrong",
    [
        replace(held(A), digest=None),
        replace(held(A), digest="0" * 16),
        held(point("trip/a.jpg", "another content")),
        replace(held(A), vector=None),
        replace(held(A), vector=np.array([0, 1, 0], np.float32)),
        replace(held(A), vector=np.array([0.6, 0.8], np.float32)),
        replace(held(A), vector=np.array([0.6, np.nan, 0], np.float32)),
    ],
)
def test_a_point_unlike_what_the_store_says_is_stale(wrong: PointRecord) -> None:
    assert verify(points=(wrong, held(B))).stale == (Finding("trip/a.jpg", KEY, A.id),)


def test_qdrants_rounding_is_no_difference() -> None:
    rounded = replace(held(A), vector=np.array(VECTOR, np.float32) * np.float32(1.0000002))
    assert verify(points=(rounded, held(B))).ok


def test_a_rounding_is_allowed_for_as_a_distance() -> None:
    for wrong, rounding, is_ok in ((8e-4, 1e-3, True), (2e-3, 1e-3, False), (0.015, 0.02, True), (0.025, 0.02, False)):
        vector = np.array(VECTOR, np.float32)
        vector[0] += np.float32(wrong)
        compared = compare_partition(KEY, DISK, STORED, [replace(held(A), vector=vector), held(B)], rounding)
        assert (compared.stale == []) is is_ok


def test_a_file_with_another_content_makes_its_point_stale() -> None:
    assert paths(verify({**DISK, "trip/a.jpg": "edited"})) == {"stale": ["trip/a.jpg"]}
    assert paths(verify({**DISK, "trip/a.jpg": None})) == {"stale": ["trip/a.jpg"]}, "it cannot be read any more"


def test_all_that_older_models_made_is_stale() -> None:
    assert paths(verify(stored=replace(STORED, is_current=False))) == {"stale": ["trip/a.jpg", "trip/b.jpg"]}


def test_a_point_in_the_wrong_partition_is_stale_and_not_lost() -> None:
    misplaced = replace(held(A), partition_key="elsewhere")
    assert verify(points=(held(B),), strays=(misplaced,)).stale == (Finding("trip/a.jpg", KEY, A.id),)


def test_a_file_in_quarantine_needs_no_point_and_may_have_none() -> None:
    disk = {**DISK, "trip/bad.jpg": "ff", "trip/locked.jpg": None}
    stored = replace(STORED, quarantined={"trip/bad.jpg": "ff", "trip/locked.jpg": None})
    found = verify(disk, stored)
    assert found.ok and found.quarantined == ("trip/bad.jpg", "trip/locked.jpg")
    assert paths(verify(disk, stored, (held(A), held(B), held(point("trip/bad.jpg", "ff")))))["orphaned"] == [
        "trip/bad.jpg"
    ]
    mended = verify({**disk, "trip/bad.jpg": "whole now"}, stored)
    assert paths(mended)["missing"] == ["trip/bad.jpg"]


def test_an_entry_of_the_quarantine_without_a_file_is_orphaned() -> None:
    found = verify(stored=replace(STORED, quarantined={"trip/bad.jpg": "ff"}))
    assert found.orphaned == (Finding("trip/bad.jpg", KEY, None),)
