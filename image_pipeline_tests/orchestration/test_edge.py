"""The pipeline on Qdrant Edge: it follows the library, and a damaged collection is made again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from image_pipeline.cli.main import main
from image_pipeline.collection import connection
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.orchestration.ingest import open_ingestion
from image_pipeline.orchestration.repair import Repair, repair
from image_pipeline.services.verification import Verification
from image_pipeline.settings import Settings
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, draw_scenes


def edge_of(settings: Settings) -> EdgeAddress:
    store = Store(settings.home)
    return EdgeAddress(store.edge_directory, store.qdrant_lock_file, settings.lock_seconds)


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings select Qdrant Edge."""
    monkeypatch.setattr(connection, "address_of", edge_of)
    yield


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


def test_it_follows_the_library(edge: None, pipeline: Pipeline) -> None:
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


def spoil(pipeline: Pipeline) -> None:
    """Damage the shard so that reading it ends the process."""
    (file,) = edge_of(pipeline.settings).directory.rglob("*id_tracker.mappings")
    content = file.read_bytes()
    file.write_bytes(content[:17] + b"\xff\xff\xff\x7f" + content[21:])


def test_a_damaged_collection_is_made_again_without_a_model(edge: None, pipeline: Pipeline) -> None:
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


def test_damage_is_told_on_the_command_line(edge: None, pipeline: Pipeline) -> None:
    pipeline.ingest()
    (version,) = edge_of(pipeline.settings).versions("images")
    spoil(pipeline)
    assert f"damaged   {version}  (reading it ends the process with SIGABRT)" in run(pipeline, "verify")
    assert json.loads(run(pipeline, "verify", "--json"))["damaged"] == [version]
    assert "1 damaged collection made again.\n0 missing" in run(pipeline, "repair")
    assert "Disk, store and collection agree." in run(pipeline, "verify")


def test_a_store_with_the_former_embedded_qdrant_is_filled_without_a_model(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pipeline.ingest()
    assert before.embedded == 8
    monkeypatch.setattr(connection, "address_of", edge_of)
    after = pipeline.ingest()
    assert (after.embedded, after.captioned) == (0, 0)
    assert verify(pipeline).ok
