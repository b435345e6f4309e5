"""The points of a partition, and its quarantine, from its tables."""

from dataclasses import replace

from image_pipeline.collection.points import point_id
from image_pipeline.files.partition import Partition
from image_pipeline.schema.outcome import Reason
from image_pipeline.schema.rows import Embedding, Sidecar
from image_pipeline.stages.partition_points import lasting_fingerprint, points_of, quarantine_of, read_tables
from image_pipeline.storage.tables import StageTables
from image_pipeline_tests.stages.conftest import PROVENANCE, StageRun
from image_pipeline_tests.storage.conftest import sha256

ROME = Partition("2024/Rome")


def test_a_point_tells_all_that_is_known_of_its_file(tables: StageTables, run_stages: StageRun) -> None:
    known = {
        "sea": {
            "taken_at": "2021-07-03T10:11:12+02:00",
            "taken_from": "original",
            "taken_precision": "second",
            "camera_model": "X100V",
            "latitude": 41.9,
            "longitude": 12.5,
            "keywords": ["beach"],
            "people": [],
        }
    }
    run_stages(ROME, {"a.jpg": "sea"}, known=known)
    (point,) = points_of(ROME, read_tables(tables, ROME.key), PROVENANCE)
    assert point.id == point_id("2024/Rome/a.jpg")
    assert list(point.vector) == [float(x) for x in tables.read(Embedding, ROME.key)[0].vector]
    assert {name: value for name, value in point.payload.items() if name != "digest"} == {
        "path": "2024/Rome/a.jpg",
        "directory": "2024/Rome",
        "partition": "2024/Rome",
        "sha256": sha256("sea"),
        "size_bytes": 3,
        "caption": "a sea",
        "caption_confidence": 0.5,
        "width": 40,
        "height": 30,
        "taken_at": "2021-07-03T10:11:12+02:00",
        "taken_from": "original",
        "taken_precision": "second",
        "taken_local": "2021-07-03T10:11:12",
        "taken_local_end": "2021-07-03T10:11:13",
        "taken_local_from": "written",
        "taken_year": 2021,
        "taken_day": 20210703,
        "map_cell_6": 1582,
        "map_cell_11": 1620631,
        "map_cell_16": 1659526149,
        "city": "Rome",
        "country": "Italy",
        "derived": ["city", "country"],
        "people": [],
        "camera_model": "X100V",
        "camera": "X100V",
        "format": "jpeg",
        "keywords": ["beach"],
        "place": {"lat": 41.9, "lon": 12.5},
        "decode_path": "jpeg",
        "embedding_producer": "open_clip:tiny@1",
        "caption_producer": "blip:tiny@1",
        "run_id": "run-1",
        "ingested_at": "2026-11-21T08:00:00+00:00",
    }


def test_half_a_position_is_none(tables: StageTables, run_stages: StageRun) -> None:
    run_stages(ROME, {"a.jpg": "sea"}, known={"sea": {"latitude": 41.9}})
    (point,) = points_of(ROME, read_tables(tables, ROME.key), PROVENANCE)
    assert not {"place", "latitude", "longitude"} & point.payload.keys()


def test_every_file_is_a_point_or_in_quarantine(tables: StageTables, run_stages: StageRun) -> None:
    files = {"a.jpg": "sea", "b.jpg": None, "c.jpg": "rubbish", "copy.jpg": "sea", "d.jpg": "rubbish"}
    run_stages(ROME, files, bad=["rubbish"])
    read = read_tables(tables, ROME.key)
    points = points_of(ROME, read, PROVENANCE)
    assert [point.payload["path"] for point in points] == ["2024/Rome/a.jpg", "2024/Rome/copy.jpg"]
    assert points[0].id != points[1].id
    assert points[0].payload["sha256"] == points[1].payload["sha256"] == sha256("sea")
    assert list(points[0].vector) == list(points[1].vector)
    quarantine = quarantine_of(ROME, read, PROVENANCE)
    assert [(file.path, file.sha256, file.reason, file.message) for file in quarantine] == [
        ("2024/Rome/b.jpg", None, "unreadable", "Permission denied"),
        ("2024/Rome/c.jpg", sha256("rubbish"), "corrupt", "broken"),
        ("2024/Rome/d.jpg", sha256("rubbish"), "corrupt", "broken"),
    ]
    assert {(file.partition_key, file.run_id, file.since) for file in quarantine} == {
        (ROME.key, PROVENANCE.run_id, PROVENANCE.at)
    }


def test_a_partition_with_a_file_that_could_not_be_read_does_not_count_as_ingested(
    tables: StageTables, run_stages: StageRun
) -> None:
    run_stages(ROME, {"a.jpg": "sea", "c.jpg": "rubbish"}, bad=["rubbish"])
    assert fingerprint_of(tables) == "f00d"
    run_stages(ROME, {"a.jpg": "sea", "c.jpg": None})
    assert fingerprint_of(tables) == ""


def test_a_partition_with_a_sidecar_that_could_not_be_read_does_not_count_as_ingested(
    tables: StageTables, run_stages: StageRun
) -> None:
    run_stages(ROME, {"a.jpg": "sea"})
    row = Sidecar("2024/Rome/a.xmp", 1, 1, 1, reason=Reason.CORRUPT, message="it is not XMP")
    tables.write(Sidecar, ROME.key, [row])
    assert fingerprint_of(tables) == "f00d"
    tables.write(Sidecar, ROME.key, [replace(row, reason=Reason.UNREADABLE, message="Input/output error")])
    assert fingerprint_of(tables) == ""


def fingerprint_of(tables: StageTables) -> str:
    read = read_tables(tables, ROME.key)
    return lasting_fingerprint("f00d", quarantine_of(ROME, read, PROVENANCE), read)
