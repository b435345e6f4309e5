"""Sidecars in the real program: a change of one is noticed, and costs neither a decode nor a model."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.imaging.pool import SidecarOutcome
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.schema.image_metadata import ImageMetadata, SidecarMetadata
from image_pipeline.schema.outcome import Reason
from image_pipeline.services.wiring import Wiring
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.raw_qdrant import settings_of
from image_pipeline_tests.support.shell import PROGRAM
from image_pipeline_tests.support.tagged import bag, packet


@pytest.fixture
def pipeline(tmp_path: Path, qdrant_address: QdrantAddress) -> Pipeline:
    """An empty library, with Qdrant embedded and as a server."""
    return Pipeline.below(tmp_path, **settings_of(qdrant_address))


def ingest_without_a_decode(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The points after a run in which no picture is decoded, and no metadata of a picture is read again."""

    def fail(*_: object, **__: object) -> None:
        pytest.fail("a picture was opened for a change of its sidecar")

    with monkeypatch.context() as patch:
        patch.setattr("image_pipeline.imaging.pool.WorkerPool.decode", lambda _, tasks, *__: [fail() for _ in tasks])
        patch.setattr("image_pipeline.imaging.pool.WorkerPool.read_metadata", lambda _, tasks: [fail() for _ in tasks])
        patch.setattr("image_pipeline.files.hashing._hash", fail)
        summary = pipeline.ingest()
    assert (summary.embedded, summary.deleted) == (0, 0)
    return pipeline.points()


def test_a_sidecar_comes_changes_and_goes(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    pipeline.ingest()
    assert "rating" not in pipeline.points()["trip/a0.jpg"]
    sidecar = pipeline.root / "trip/a0.xmp"
    for rating in ("4", "2"):
        sidecar.write_bytes(packet(bag("dc:subject", f"stars {rating}"), xmp_Rating=rating))
        points = ingest_without_a_decode(pipeline, monkeypatch)
        assert points["trip/a0.jpg"]["rating"] == int(rating)
        assert points["trip/a0.jpg"]["keywords"] == [f"stars {rating}"]
        assert points["trip/a0.jpg"]["sidecars"] == ["trip/a0.xmp"]
        assert "rating" not in points["trip/a1.jpg"] and "sidecars" not in points["trip/a1.jpg"]
        summary = pipeline.ingest()
        assert summary.unchanged == 2, "what was said is known"
    sidecar.unlink()
    points = ingest_without_a_decode(pipeline, monkeypatch)
    assert not {"rating", "sidecars"} & points["trip/a0.jpg"].keys() and points["trip/a0.jpg"]["keywords"] == []


def test_two_copies_of_one_picture_have_the_facts_of_their_own_sidecars(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "a", 1)
    for name, rating in (("b", "3"), ("c", "5")):
        shutil.copytree(pipeline.root / "a", pipeline.root / name)
        (pipeline.root / name / "a0.jpg.xmp").write_bytes(packet(xmp_Rating=rating))
    summary = pipeline.ingest()
    assert (summary.indexed, summary.embedded) == (3, 1)
    points = pipeline.points()
    assert [points[f"{name}/a0.jpg"].get("rating") for name in "abc"] == [None, 3, 5]
    assert len({point["sha256"] for point in points.values()}) == 1


def test_the_export_of_google_photos(pipeline: Pipeline) -> None:
    folder = pipeline.root / "Photos from 2016"
    drawn = list(draw_scenes(folder, 3))
    names = ["IMG_1.jpg", "IMG_1(1).jpg", "IMG_1-edited.jpg"]
    for old, new in zip(drawn, names, strict=True):
        (folder / old).rename(folder / new)
    for name, seconds in (("IMG_1.jpg.supplemental-metadata.json", 1478174685), ("IMG_1.jpg(1).json", 1578174685)):
        said = {"title": "IMG_1.jpg", "photoTakenTime": {"timestamp": str(seconds)}}
        (folder / name).write_text(json.dumps({**said, "geoData": {"latitude": 45.5, "longitude": -122.6}}))
    (folder / "metadata.json").write_text('{"title": "2016"}')
    summary = pipeline.ingest()
    assert (summary.files, summary.quarantined) == (3, 0)
    points = pipeline.points()
    dates = [points[f"Photos from 2016/{name}"]["taken_at"] for name in names]
    assert dates == ["2016-11-03T12:04:45Z", "2020-01-04T21:51:25Z", "2016-11-03T12:04:45Z"]
    assert {(point["city"], point["country"]) for point in points.values()} == {("Portland", "United States")}


def test_verify_finds_sidecars_that_changed_since_and_repair_reads_them(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root, 3)
    for name, rating in (("a0", "4"), ("a1", "3")):
        (pipeline.root / f"{name}.xmp").write_bytes(packet(xmp_Rating=rating))
    pipeline.ingest()
    verifier = Wiring(pipeline.settings).verifier
    assert verifier.verify().ok
    (pipeline.root / "a0.xmp").write_bytes(packet(xmp_Rating="5"))
    (pipeline.root / "a1.xmp").unlink()
    (pipeline.root / "a2.xmp").write_bytes(packet(xmp_Rating="1"))
    assert [one.path for one in verifier.verify().stale] == ["a0.jpg", "a1.jpg", "a2.jpg"]
    assert run_repair(pipeline) == 0
    assert [point.get("rating") for _, point in sorted(pipeline.points().items())] == [5, None, 1]


def run_repair(pipeline: Pipeline) -> int:
    return program(pipeline, "repair").returncode


def program(pipeline: Pipeline, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    settings = pipeline.settings
    more = {"IMAGE_LIBRARY": str(settings.library), "IMAGE_PIPELINE_HOME": str(settings.home)}
    more |= {"IMAGE_PIPELINE_MODELS": settings.models, "HOME": str(settings.home.parent)}
    if settings.qdrant_url:
        more |= {"QDRANT_URL": settings.qdrant_url, "QDRANT_GRPC_PORT": str(settings.qdrant_grpc_port)}
    return subprocess.run(
        [PROGRAM, *arguments],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more, **variables},
        capture_output=True,
        text=True,
    )


def test_a_sidecar_that_cannot_be_read_is_named_on_the_command_line(tmp_path: Path) -> None:
    pipeline = Pipeline.below(tmp_path)
    for number in range(3):  # a run for each: a model that is loaded by the first must not print the log of the others
        draw_scenes(pipeline.root / f"{number}", 1, seed=number)
    folder = pipeline.root / "2"
    (folder / "a0.jpg").rename(folder / "a\nb\x1b[31m.jpg")
    (folder / "a\nb\x1b[31m.xmp").write_text("hello")
    done = program(pipeline, "ingest", IMAGE_PIPELINE_PARTITION_SIZE="1")
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if "sidecar" in line and "could not be read" in line]
    assert r"The sidecar 2/a\nb\x1b[31m.xmp could not be read: it is not XMP" in line


def test_a_sidecar_is_read_again_only_if_the_reason_may_have_passed(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_scenes(pipeline.root, 1)
    (pipeline.root / "a0.xmp").write_bytes(packet(xmp_Rating="2"))
    failure = SidecarOutcome("a0.xmp", SidecarMetadata(ImageMetadata()), Reason.OUT_OF_MEMORY, "used too much")
    with monkeypatch.context() as patch:
        patch.setattr("image_pipeline.imaging.pool.WorkerPool.read_sidecars", lambda _, tasks: [failure for _ in tasks])
        pipeline.ingest()
    assert pipeline.points()["a0.jpg"]["sidecar_problem"] == "a0.xmp: used too much"
    pipeline.ingest()
    assert pipeline.points()["a0.jpg"]["rating"] == 2
    (pipeline.root / "a0.xmp").write_text("hello")
    pipeline.ingest()
    draw_scenes(pipeline.root / "trip", 1)
    (pipeline.root / "b.jpg").write_bytes((pipeline.root / "trip/a0.jpg").read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(
            "image_pipeline.imaging.pool.WorkerPool.read_sidecars",
            lambda _, tasks: [pytest.fail("read") for _ in tasks],
        )
        pipeline.ingest()
    assert "it is not XMP" in pipeline.points()["a0.jpg"]["sidecar_problem"]


def test_a_sidecar_that_cannot_be_read_is_reported_and_its_photograph_is_found(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_scenes(pipeline.root, 1)
    (pipeline.root / "a0.xmp").write_text("hello")
    summary = pipeline.ingest()
    assert (summary.indexed, summary.quarantined) == (1, 0)
    assert pipeline.points()["a0.jpg"]["sidecar_problem"].startswith("a0.xmp: it is not XMP")
    with open_instance(Store(pipeline.settings.home)) as instance:
        (record,) = instance.fetch_materializations(dg.AssetKey("sidecars"), limit=1).records
        assert record.asset_materialization is not None
        assert record.asset_materialization.metadata["could_not_be_read"].value == 1
    (pipeline.root / "a0.xmp").write_bytes(packet(xmp_Rating="1"))
    (point,) = ingest_without_a_decode(pipeline, monkeypatch).values()
    assert point["rating"] == 1 and "sidecar_problem" not in point


def test_hostile_sidecars_take_bounded_time_and_memory_and_cost_no_photograph(pipeline: Pipeline) -> None:
    names = list(draw_scenes(pipeline.root, 7))
    stems = [name.removesuffix(".jpg") for name in names]
    bomb = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 30))
    body = packet(bag("dc:subject", "kept"), xmp_Rating="5")
    with (pipeline.root / f"{stems[0]}.xmp").open("wb") as file:  # 1 GB, of which only the beginning is read
        file.write(body)
        file.truncate(1 << 30)
    (pipeline.root / f"{stems[1]}.xmp").write_text(f'<!DOCTYPE x [<!ENTITY b0 "ha">{bomb}]><x>&b29;</x>')
    os.mkfifo(pipeline.root / f"{stems[2]}.xmp")
    (pipeline.root / f"{stems[3]}.jpg.json").write_bytes(b'{"photoTakenTime":' + b'{"a":' * 200_000)
    (pipeline.root / f"{stems[4]}.xmp").symlink_to("/etc/passwd")
    (pipeline.root / f"{stems[5]}.xmp").write_bytes(b"<x>" * 2_000_000)
    (pipeline.root / f"{stems[6]}.xmp").write_bytes(packet(f"<dc:title>{'x' * 5_000_000}</dc:title>", xmp_Rating="3"))
    summary = pipeline.ingest()
    assert (summary.indexed, summary.quarantined, summary.files) == (7, 0, 7)
    points = [pipeline.points()[name] for name in names]
    problems = [point.get("sidecar_problem") for point in points]
    assert [bool(problem) for problem in problems] == [False, True, False, False, False, False, False], problems
    assert [point.get("rating") for point in points] == [5, None, None, None, None, None, 3]
    assert len(points[6]["title"]) <= 300
    assert pipeline.ingest().unchanged == 7
