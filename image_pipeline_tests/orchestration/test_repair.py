"""Drift is seen, and mended: disk, store and collection are made to disagree on purpose."""

import json
import os
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from image_pipeline.cli.main import main
from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.points import Point, point_id
from image_pipeline.collection.where import Ids, Where
from image_pipeline.errors import LibraryError
from image_pipeline.orchestration.assets.qdrant_collection import qdrant_collection
from image_pipeline.orchestration.build import make_definitions
from image_pipeline.orchestration.ingest import open_ingestion
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.partitions import register
from image_pipeline.orchestration.repair import Repair, repair
from image_pipeline.services.verification import Verification
from image_pipeline.settings import Settings, load_settings
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.raw_qdrant import all_points, open_engine, settings_of

CHECK = dg.AssetCheckKey(qdrant_collection.key, "collection_agrees_with_disk")


def ingested(settings: Settings) -> Pipeline:
    """Eight photographs in two directories and a broken one, ingested."""
    pipeline = Pipeline(settings)
    draw_scenes(pipeline.root / "trip", 6)
    draw_scenes(pipeline.root / "home", 2, seed=1)
    (pipeline.root / "trip/bad.jpg").write_bytes(b"no picture")
    pipeline.ingest()
    return pipeline


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(library=tmp_path / "library", home=tmp_path / "store", models="bundled:embedder,none")


@pytest.fixture
def pipeline(settings: Settings) -> Pipeline:
    return ingested(settings)


def verify(pipeline: Pipeline) -> Verification:
    with open_ingestion(pipeline.settings) as ingestion:
        return ingestion.verifier.verify()


def mend(pipeline: Pipeline, allow_deletions: bool = False) -> Repair:
    with open_ingestion(pipeline.settings) as ingestion:
        return repair(ingestion, lambda done, total: None, allow_deletions)


def findings(pipeline: Pipeline) -> dict[str, list[str]]:
    beside = ("quarantined", "without_metadata")
    return {kind: paths for kind, paths in verify(pipeline).paths.items() if paths and kind not in beside}


def edit_unseen(file: Path, content: bytes) -> None:
    """Write other bytes into a file, as a disk that rots would: the tables are told that they were there before."""
    before = file.stat()
    assert len(content) == before.st_size
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def spoil(pipeline: Pipeline) -> None:
    """Let points vanish, come from nowhere, and be unlike their files."""
    with open_engine(address_of(pipeline.settings)) as engine:
        name = engine.aliases()[pipeline.settings.collection]

        def only(path: str) -> Where:
            return Where(must=[Ids([point_id(path)])])

        engine.delete(name, only("trip/a0.jpg"))
        engine.set_payload(name, only("trip/a1.jpg"), {"sha256": "0" * 64})
        engine.set_payload(name, only("trip/a2.jpg"), {"partition": "home"})
        [a3], [a4] = (all_points(engine, name, only(path)) for path in ("trip/a3.jpg", "trip/a4.jpg"))
        assert a3.vector is not None
        vector = a3.vector.tolist()
        doubled = Point(point_id("trip/other name"), vector, a3.payload)
        foreign = Point(17, vector, {"path": "of another program"})
        past = Point(point_id("gone/b.jpg"), vector, {**a3.payload, "path": "gone/b.jpg", "partition": "gone"})
        engine.upsert(name, [doubled, foreign, past, Point(a4.id, vector, a4.payload)])


def test_drift_of_every_kind_is_found_and_mended_without_a_model(
    settings: Settings, qdrant_address: QdrantAddress
) -> None:
    pipeline = ingested(settings.model_copy(update=settings_of(qdrant_address)))
    verification = verify(pipeline)
    assert verification.ok and verification.quarantined == ("trip/bad.jpg",)
    untouched = pipeline.points()["home/a0.jpg"]

    spoil(pipeline)
    whole = (pipeline.root / "trip/a5.jpg").read_bytes()
    edit_unseen(pipeline.root / "trip/a5.jpg", whole[:-2] + b"\0\0")
    found = {
        "missing": ["trip/a0.jpg"],
        "orphaned": ["gone/b.jpg", "of another program", "trip/a3.jpg"],
        "stale": ["trip/a1.jpg", "trip/a2.jpg", "trip/a4.jpg", "trip/a5.jpg"],
    }
    assert findings(pipeline) == found

    edit_unseen(pipeline.root / "trip/a5.jpg", whole)
    done = mend(pipeline)
    assert (done.missing, done.orphaned, done.stale, done.partitions) == (1, 3, 3, 1)
    assert (done.deleted, done.embedded, done.captioned) == (3, 0, 0)
    assert verify(pipeline).ok
    assert pipeline.points()["home/a0.jpg"] == untouched, "nothing else is done again"
    assert mend(pipeline).partitions == 0


def test_what_happened_on_disk_since_is_found_and_mended(pipeline: Pipeline) -> None:
    (pipeline.root / "home/a1.jpg").unlink()
    (pipeline.root / "trip/bad.jpg").unlink()
    (pipeline.root / "trip/a0.jpg").rename(pipeline.root / "trip/renamed.jpg")
    draw_scenes(pipeline.root / "new", 1, seed=3)
    assert findings(pipeline) == {
        "missing": ["new/a0.jpg", "trip/renamed.jpg"],
        "orphaned": ["home/a1.jpg", "trip/a0.jpg", "trip/bad.jpg"],
    }
    done = mend(pipeline)
    assert (done.embedded, done.deleted) == (1, 2)
    assert verify(pipeline).ok and not pipeline.quarantine()


def test_a_damaged_store_is_found_and_mended(pipeline: Pipeline) -> None:
    Store(pipeline.settings.home).table_file("embeddings", "trip").write_bytes(b"damaged")
    assert findings(pipeline) == {"stale": [f"trip/a{n}.jpg" for n in range(6)]}
    assert (mend(pipeline).embedded, verify(pipeline).ok) == (0, True)


def test_what_other_models_made_is_stale(settings: Settings) -> None:
    pipeline = Pipeline(settings)
    draw_scenes(pipeline.root / "trip", 2)
    pipeline.ingest()
    other = pipeline.with_settings(dtype="fp32")
    assert findings(other) == {"stale": ["trip/a0.jpg", "trip/a1.jpg"]}
    environment = {
        "IMAGE_LIBRARY": str(pipeline.root),
        "IMAGE_PIPELINE_MODELS": "bundled:embedder,none",
        "IMAGE_PIPELINE_DTYPE": "fp32",
    }
    told = CliRunner().invoke(main, ["verify", "--home", str(settings.home)], env=environment).stdout
    assert "trip/a0.jpg  (different content, or made by a different version)" in told
    narrower = pipeline.with_settings(dtype="auto", decode_pixels=10**6)
    assert findings(narrower) == {}, "limits have no part in what was made"
    assert mend(other).embedded == 2
    assert verify(other).ok


def test_much_that_seems_orphaned_asks_for_a_flag(settings: Settings, tmp_path: Path) -> None:
    pipeline = Pipeline(settings)
    draw_scenes(pipeline.root / "trip", 1)
    pipeline.ingest()

    with open_engine(address_of(settings)) as engine:
        name = engine.aliases()[settings.collection]
        [known] = all_points(engine, name)
        assert known.vector is not None
        engine.upsert(name, [Point(n, known.vector.tolist(), {"path": f"x/{n}"}) for n in range(101)])
    with pytest.raises(LibraryError, match="image-pipeline repair --allow-deletions"):
        mend(pipeline)
    assert mend(pipeline, allow_deletions=True).deleted == 101
    assert verify(pipeline).ok
    (pipeline.root / "trip").rename(tmp_path / "unmounted")
    with pytest.raises(LibraryError, match="empty"):
        mend(pipeline, allow_deletions=True)


def test_the_check_is_run_by_itself_and_never_in_a_run_of_partitions(pipeline: Pipeline) -> None:
    definitions = make_definitions(pipeline.settings)
    everything = definitions.resolve_implicit_global_asset_job_def()
    alone = everything.get_subset(asset_selection=set(), asset_check_selection={CHECK})
    with open_instance(Store(pipeline.settings.home)) as instance:
        register(instance, ["home"])

        def evaluated(job: dg.JobDefinition, partition: str | None = None) -> dict[str, dg.AssetCheckEvaluation]:
            result = job.execute_in_process(instance=instance, partition_key=partition)
            return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}

        assert evaluated(alone)[CHECK.name].passed
        (pipeline.root / "home/a1.jpg").unlink()
        evaluation = evaluated(alone)[CHECK.name]
        assert not evaluation.passed
        assert evaluation.metadata["orphaned"].value == ["home/a1.jpg"]
        assert evaluation.metadata["orphaned_files"].value == 1
        materialized = evaluated(everything, "home")
        assert materialized and CHECK.name not in materialized
    assert CHECK not in definitions.resolve_job_def("ingest").asset_layer.asset_graph.asset_check_keys


def test_the_commands_tell_it_to_people_and_to_programs(pipeline: Pipeline) -> None:
    given = ["--home", str(pipeline.settings.home), "--models", pipeline.settings.models]

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, [*arguments, *given])
        return done.exit_code, done.stdout

    (pipeline.root / "home/a1.jpg").unlink()
    code, told = run("verify", "--json")
    assert code == 1
    assert json.loads(told) == {
        "ok": False,
        "missing": [],
        "orphaned": ["home/a1.jpg"],
        "stale": [],
        "quarantined": ["trip/bad.jpg"],
        "without_metadata": [],
        "damaged": [],
    }
    code, told = run("verify")
    assert code == 1 and "home/a1.jpg" in told and "image-pipeline repair" in told
    code, told = run("repair", "--json")
    assert code == 0 and json.loads(told)["deleted"] == 1
    code, told = run("verify")
    assert code == 0 and "agree" in told
