"""The pipeline on Qdrant Edge: it follows the library, and a damaged collection is made again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from dagster import SkipReason

from image_pipeline.cli.main import main
from image_pipeline.collection import connection
from image_pipeline.collection.edge import compaction
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.edge.engine import EdgeEngine
from image_pipeline.collection.edge.shards import is_turbo
from image_pipeline.collection.embedded import EmbeddedAddress
from image_pipeline.collection.former import Former
from image_pipeline.orchestration import sensors
from image_pipeline.orchestration.ingest import open_ingestion
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.repair import Repair, repair
from image_pipeline.schema.payload import NOT_CONTENT
from image_pipeline.services import filling
from image_pipeline.services.verification import Verification
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.stages.models import Inference
from image_pipeline.storage import own_files
from image_pipeline.storage.locks import exclusive_lock
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.sensor import tick


def edge_of(settings: Settings) -> EdgeAddress:
    address = connection.address_of(settings)
    assert isinstance(address, EdgeAddress)
    return address


def local_mode_of(settings: Settings, _: Former | None = None) -> EmbeddedAddress:
    """The former embedded Qdrant."""
    store = Store(settings.home)
    return EmbeddedAddress(store.qdrant_directory, store.qdrant_lock_file, settings.lock_seconds)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Eight photographs in two directories, and a broken one; nothing is ingested."""
    pipeline = Pipeline.below(tmp_path, models="demo")
    draw_scenes(pipeline.root / "trip", 6)
    draw_scenes(pipeline.root / "home", 2, seed=1)
    (pipeline.root / "trip/bad.jpg").write_bytes(b"no picture")
    return pipeline


def verify(pipeline: Pipeline) -> Verification:
    with open_ingestion(pipeline.settings) as ingestion:
        return ingestion.verifier.verify()


def mend(pipeline: Pipeline) -> Repair:
    with open_ingestion(pipeline.settings) as ingestion:
        return repair(ingestion, lambda done, total: None, allow_deletions=False)


def run(pipeline: Pipeline, *arguments: str) -> str:
    home = ["--home", str(pipeline.settings.home)]
    result = CliRunner().invoke(main, [*arguments, *home], env={"IMAGE_PIPELINE_MODELS": "demo"})
    return result.output


def test_it_follows_the_library(pipeline: Pipeline) -> None:
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned) == (8, 8)
    assert verify(pipeline).ok
    assert not (pipeline.settings.home / "qdrant").exists()
    (pipeline.root / "trip/a0.jpg").unlink()
    (pipeline.root / "trip/a1.jpg").rename(pipeline.root / "home/moved.jpg")
    pipeline.ingest()
    assert verify(pipeline).ok
    with edge_of(pipeline.settings).connect("images") as qdrant:
        (version,) = qdrant.versions()
        paths = {str(record.path) for record in qdrant.points(version).stray_points([])}
    assert paths == {f"trip/a{n}.jpg" for n in (2, 3, 4, 5)} | {"home/a0.jpg", "home/a1.jpg", "home/moved.jpg"}


def test_a_large_collection_becomes_smaller_when_it_is_ingested(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(compaction, "TURBO_BEYOND", 5)
    monkeypatch.setattr(compaction, "LONG_POINTS", 5)
    pipeline.ingest()
    directory = edge_of(pipeline.settings).directory
    (folder,) = directory.glob("shard-*")
    assert (folder.name, is_turbo(folder)) == ("shard-3", True)
    assert "Compacting the collection of 8 photographs. Searches go on." in caplog.text
    assert "Compacted the collection in " in caplog.text
    assert verify(pipeline).ok
    assert "a0.jpg" in run(pipeline, "search", "red circle", "--limit", "8")
    pipeline.ingest()
    assert verify(pipeline).ok
    assert own_files.contents(pipeline.settings.home, is_marked=True).others == ()


def spoil(pipeline: Pipeline) -> None:
    """Damage the shard so that reading it ends the process."""
    (file,) = edge_of(pipeline.settings).directory.rglob("*id_tracker.mappings")
    content = file.read_bytes()
    file.write_bytes(content[:17] + b"\xff\xff\xff\x7f" + content[21:])


def test_a_damaged_collection_is_made_again_without_a_model(pipeline: Pipeline) -> None:
    pipeline.ingest()
    (version,) = edge_of(pipeline.settings).versions("images")
    spoil(pipeline)
    found = verify(pipeline)
    assert not found.ok
    assert list(found.damaged) == [version]
    assert (found.missing, found.stale) == ((), ())
    done = mend(pipeline)
    assert (done.damaged, done.partitions, done.embedded, done.captioned) == (1, 2, 0, 0)
    assert verify(pipeline).ok
    again = mend(pipeline)
    assert (again.damaged, again.partitions) == (0, 0)


def test_damage_of_the_payloads_is_found_by_reading_them(pipeline: Pipeline) -> None:
    pipeline.ingest()
    (version,) = edge_of(pipeline.settings).versions("images")
    (file,) = edge_of(pipeline.settings).directory.rglob("payload_storage/page_0.dat")
    file.write_bytes(bytes(file.stat().st_size))
    assert list(verify(pipeline).damaged) == [version]
    assert (mend(pipeline).embedded, verify(pipeline).ok) == (0, True)


def test_vectors_that_are_lost_are_made_again(pipeline: Pipeline) -> None:
    pipeline.ingest()
    (file,) = edge_of(pipeline.settings).directory.rglob("vectors/chunk_0.mmap")
    file.write_bytes(bytes(file.stat().st_size))
    assert len(verify(pipeline).stale) == 8
    assert (mend(pipeline).embedded, verify(pipeline).ok) == (0, True)


def test_damage_is_told_on_the_command_line(pipeline: Pipeline) -> None:
    pipeline.ingest()
    (version,) = edge_of(pipeline.settings).versions("images")
    spoil(pipeline)
    assert f"damaged   {version}  (reading it ends the process with SIGABRT)" in run(pipeline, "verify")
    assert json.loads(run(pipeline, "verify", "--json"))["damaged"] == [version]
    assert "1 damaged collection made again.\n0 missing" in run(pipeline, "repair")
    assert "Disk, store and collection agree." in run(pipeline, "verify")


def ingest_as_before(pipeline: Pipeline) -> dict[str, dict]:
    """Ingest into the former embedded Qdrant, as an older version did; its payloads by path."""
    now = Inference.collection_version
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "address_of", local_mode_of)
        patch.setattr(Inference, "collection_version", lambda self, alias: replace(now(self, alias), layout=1))
        pipeline.ingest()
        return pipeline.points()


@pytest.fixture
def former(pipeline: Pipeline) -> dict[str, dict]:
    """The library was ingested into the former embedded Qdrant, whose points can no longer be read."""
    points = ingest_as_before(pipeline)
    for file in (pipeline.settings.home / "qdrant").rglob("storage.sqlite"):
        file.write_bytes(b"never read")
    return points


def payloads(pipeline: Pipeline) -> dict[str, dict]:
    with edge_of(pipeline.settings).connect("images") as qdrant:
        points = qdrant.points(qdrant.searched_version().name)
        return {str(payload["path"]): dict(payload) for payload in points.payloads()}


def without_runs(points: dict[str, dict]) -> dict[str, dict]:
    """Payloads without the run that wrote them: a point that is up to date is not written again."""
    return {path: {k: v for k, v in one.items() if k not in NOT_CONTENT} for path, one in points.items()}


def test_a_former_collection_is_taken_over_by_a_search(former: dict[str, dict], pipeline: Pipeline) -> None:
    told = run(pipeline, "search", "a red circle", "--json")
    assert "Moving 8 photographs to a new embedded Qdrant, once and without a model." in told
    assert len(json.loads(told[told.index("[") :])) == 8
    assert "Moving" not in run(pipeline, "search", "a red circle", "--json")
    assert payloads(pipeline) == former
    assert (pipeline.settings.home / "qdrant").is_dir()
    assert pipeline.ingest().embedded == 0
    assert payloads(pipeline) == former
    assert verify(pipeline).ok
    assert not (pipeline.settings.home / "qdrant").exists(), "it is deleted once everything agrees"
    assert verify(pipeline).ok


def test_a_former_collection_is_taken_over_by_an_ingestion(former: dict[str, dict], pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "new", 1, seed=2)
    assert pipeline.ingest().embedded == 1
    taken = payloads(pipeline)
    assert {path: taken[path] for path in former} == former, "nothing was written again"
    assert verify(pipeline).ok


def test_the_sensor_moves_photographs_for_a_limited_time_in_each_tick(
    former: dict[str, dict], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "RENEWAL_SECONDS", 0.0)
    monkeypatch.setattr(filling, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(filling, "_GROUP_POINTS", 1)
    with open_instance(Store(pipeline.settings.home)) as instance:
        ticks = []
        for _ in range(4):
            told = tick(pipeline, instance)
            assert isinstance(told, SkipReason)
            ticks.append(told.skip_message)
    moving = "The photographs are being moved to a new collection; the next tick continues."
    assert ticks[:2] == [moving] * 2, "one for each directory"
    assert ticks[3] != moving
    assert payloads(pipeline) == former


def test_a_take_over_that_was_killed_begins_again(former: dict[str, dict], pipeline: Pipeline) -> None:
    address = Wiring(pipeline.settings).address

    class Killed(BaseException):
        pass

    def fail(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EdgeEngine, "set_metadata", fail)  # a version exists, and holds nothing yet
        with pytest.raises(Killed), address.connect("images") as qdrant:
            qdrant.versions()
    with address.connect("images") as qdrant:
        assert qdrant.points(qdrant.searched_version().name).count() == 8
    assert payloads(pipeline) == former


def test_partitions_whose_tables_are_lost_are_left_to_the_next_ingestion(
    former: dict[str, dict], pipeline: Pipeline
) -> None:
    Store(pipeline.settings.home).table_file("embeddings", "home").unlink()
    run(pipeline, "status")
    assert {path for path in payloads(pipeline) if path.startswith("home/")} == set()
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned) == (0, 0)
    assert payloads(pipeline).keys() == former.keys()
    assert verify(pipeline).ok


def test_a_folder_that_holds_no_former_collection_is_left_alone(pipeline: Pipeline) -> None:
    notes = pipeline.settings.home / "qdrant/notes"
    Store(pipeline.settings.home).prepare(pipeline.root)
    notes.parent.mkdir()
    notes.write_text("mine")
    assert pipeline.ingest().embedded == 8
    assert verify(pipeline).ok
    assert pipeline.ingest().unchanged == 8
    assert notes.read_text() == "mine"


@pytest.mark.parametrize("is_upgraded_before", [False, True])
def test_what_an_older_version_ingests_in_between_is_taken_over_again(
    pipeline: Pipeline, is_upgraded_before: bool
) -> None:
    if is_upgraded_before:
        ingest_as_before(pipeline)
    pipeline.ingest()
    assert verify(pipeline).ok
    draw_scenes(pipeline.root / "new", 1, seed=2)
    before = ingest_as_before(pipeline)
    assert len(before) == 9
    run(pipeline, "search", "a red circle")
    assert without_runs(payloads(pipeline)) == without_runs(before)
    assert verify(pipeline).ok
    assert not (pipeline.settings.home / "qdrant").exists()


def test_a_former_collection_stays_while_the_lock_is_kept(former: dict[str, dict], pipeline: Pipeline) -> None:
    address = Wiring(pipeline.settings.model_copy(update={"lock_seconds": 0.2})).address
    address.versions("images")
    with exclusive_lock(Store(pipeline.settings.home).qdrant_lock_file, "it"):
        address.settle()
    assert (pipeline.settings.home / "qdrant").exists()
    address.settle()
    assert not (pipeline.settings.home / "qdrant").exists()
