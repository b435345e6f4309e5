"""The whole pipeline over small real libraries: what is in the collection, and what went through a model."""

import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.points import point_id
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.errors import LibraryError
from image_pipeline.files.plan import PartitionRange
from image_pipeline.orchestration.assets import ASSETS
from image_pipeline.orchestration.build import make_definitions
from image_pipeline.orchestration.ingest import PartlyIngestedError, open_ingestion
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.partitions import range_tags, register
from image_pipeline.schema.outcome import Reason
from image_pipeline.services.search import Search
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, captions_of, draw_scenes
from image_pipeline_tests.support.raw_qdrant import delete_collections, open_engine, settings_of
from image_pipeline_tests.support.rights import unprivileged
from image_pipeline_tests.support.tagged import packet


@pytest.fixture
def pipeline(tmp_path: Path, qdrant_address: QdrantAddress) -> Pipeline:
    """An empty library, with Qdrant embedded and as a server."""
    return Pipeline.below(tmp_path, models="demo", **settings_of(qdrant_address))


@pytest.fixture
def embedded(tmp_path: Path) -> Pipeline:
    """An empty library, with the embedded Qdrant."""
    return Pipeline.below(tmp_path, models="demo")


def test_every_file_is_a_point_or_in_quarantine(pipeline: Pipeline) -> None:
    scenes = draw_scenes(pipeline.root / "2024/trip", 4) | draw_scenes(pipeline.root / "2024/trip", 2, 1, ".png")
    (pipeline.root / "2024/trip/broken.jpg").write_bytes(b"no picture")
    (pipeline.root / "2024/trip/notes.txt").write_text("left out")
    summary = pipeline.ingest()
    assert (summary.files, summary.indexed, summary.quarantined) == (7, 6, 1)
    assert (summary.embedded, summary.captioned, summary.directories) == (6, 6, 1)
    points = pipeline.points()
    assert points.keys() == captions_of("2024/trip", scenes).keys()
    payload = points["2024/trip/a0.jpg"]
    assert payload["directory"] == payload["partition"] == "2024/trip"
    assert (payload["width"], payload["height"]) == (120, 90)
    assert 0 < payload["caption_confidence"] <= 1
    assert Store(pipeline.settings.home).thumbnail_file(payload["sha256"]).exists()
    [bad] = pipeline.quarantine()
    assert (bad.path, bad.reason) == ("2024/trip/broken.jpg", Reason.UNKNOWN_FORMAT)
    assert not list((pipeline.settings.home / "tensors").glob("*")), "tensors are released once a directory is indexed"


def test_search_by_words_and_by_picture_finds_the_scene(pipeline: Pipeline) -> None:
    truth = captions_of("scenes", draw_scenes(pipeline.root / "scenes", 12))
    shutil.copy(pipeline.root / "scenes/a3.jpg", pipeline.root / "scenes/copy.jpg")
    pipeline.ingest()
    with Search(pipeline.settings, address_of(pipeline.settings)) as search:
        found = sum(search.by_words(caption, 1, SearchFilter()).hits[0].path == path for path, caption in truth.items())
        assert found >= 11
        [first, second] = search.by_picture(pipeline.root / "scenes/a3.jpg", 2, SearchFilter()).hits
    assert (first.path, first.copies) == ("scenes/a3.jpg", ("scenes/copy.jpg",))
    assert first.score == pytest.approx(1, abs=1e-3) and second.score < first.score


def draw_with_sidecars(directory: Path, count: int, seed: int, ending: str = ".jpg") -> None:
    """Draw scenes, each with a sidecar, so that every stage has a row for each."""
    for name in draw_scenes(directory, count, seed=seed, ending=ending):
        (directory / f"{name}.xmp").write_bytes(packet(xmp_Rating="3"))


def test_dagster_has_a_record_of_each_stage_and_directory(embedded: Pipeline) -> None:
    for seed, directory in enumerate(("one", "two", "three")):
        draw_with_sidecars(embedded.root / directory, 2 + seed, seed=seed)
    embedded.ingest()
    with open_instance(Store(embedded.settings.home)) as instance:
        [run] = instance.get_runs()
        stored = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        assert len(stored) == 3 * len(ASSETS)
        for asset in ASSETS:
            assert instance.get_materialized_partitions(asset.key) == {"one", "two", "three"}
            records = instance.fetch_materializations(asset.key, limit=10).records
            rows = {
                record.partition_key: record.asset_materialization.metadata["dagster/row_count"].value
                for record in records
                if record.asset_materialization is not None
            }
            assert rows == {"one": 2, "two": 3, "three": 4}
            [asset_record] = instance.get_asset_records([asset.key])
            assert asset_record.asset_entry.last_run_id == run.run_id


def test_an_unchanged_library_sends_nothing_through_a_model(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "one", 3)
    draw_scenes(pipeline.root / "two", 3, seed=1)
    pipeline.ingest()
    before = pipeline.points()
    again = pipeline.ingest()
    assert (again.embedded, again.captioned, again.deleted, again.unchanged) == (0, 0, 0, 6)
    assert pipeline.points() == before


def test_a_renamed_directory_keeps_its_vectors_and_gets_new_paths(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "old", 3)
    pipeline.ingest()
    (pipeline.root / "old").rename(pipeline.root / "new, better name")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.deleted, summary.indexed) == (0, 0, 3, 3)
    assert pipeline.points().keys() == {f"new, better name/a{n}.jpg" for n in range(3)}


def test_the_collection_follows_what_happens_to_files(pipeline: Pipeline) -> None:
    where = pipeline.root / "trip"
    draw_scenes(where, 4)
    pipeline.ingest()
    draw_scenes(pipeline.root / "elsewhere", 1, seed=7)
    shutil.copy(where / "a0.jpg", where / "copy of a0.jpg")
    (where / "a1.jpg").unlink()
    (where / "a2.jpg").rename(where / "renamed.jpg")
    (pipeline.root / "elsewhere/a0.jpg").replace(where / "a3.jpg")
    (where / "a0.jpg").touch()
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned) == (1, 1), "only a3.jpg has a content that is new"
    points = pipeline.points()
    assert points.keys() == {f"trip/{name}.jpg" for name in ("a0", "copy of a0", "renamed", "a3")}
    assert points["trip/a0.jpg"]["sha256"] == points["trip/copy of a0.jpg"]["sha256"]


def test_a_directory_that_vanished_leaves_nothing(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "stays", 2)
    draw_scenes(pipeline.root / "goes", 2, seed=1)
    (pipeline.root / "goes/bad.jpg").write_bytes(b"")
    pipeline.ingest()
    shutil.rmtree(pipeline.root / "goes")
    summary = pipeline.ingest()
    assert (summary.deleted, summary.files, summary.quarantined) == (2, 2, 0)
    assert {path.split("/")[0] for path in pipeline.points()} == {"stays"}
    tables = [file.name for file in (pipeline.settings.home / "tables").rglob("*.parquet")]
    assert tables and not [name for name in tables if name.startswith("goes")]


def test_a_file_leaves_quarantine_by_itself_once_it_can_be_read(embedded: Pipeline) -> None:
    draw_scenes(embedded.root / "trip", 2)
    whole = (embedded.root / "trip/a0.jpg").read_bytes()
    (embedded.root / "trip/a0.jpg").write_bytes(whole[: len(whole) // 2])
    embedded.ingest()
    assert [file.reason for file in embedded.quarantine()] == [Reason.TRUNCATED]
    (embedded.root / "trip/a0.jpg").write_bytes(whole)
    embedded.ingest()
    assert not embedded.quarantine()
    assert len(embedded.points()) == 2


def test_a_raised_limit_lets_files_out_of_quarantine(embedded: Pipeline) -> None:
    (embedded.root / "big").mkdir()
    Image.new("RGB", (400, 300), "navy").save(embedded.root / "big/a.png")
    tight = embedded.with_settings(decode_pixels=1000)
    tight.ingest()
    assert [file.reason for file in tight.quarantine()] == [Reason.TOO_MANY_PIXELS]
    embedded.ingest()
    assert not embedded.quarantine() and len(embedded.points()) == 1


def test_a_large_directory_is_split_and_its_points_move_without_a_model(pipeline: Pipeline) -> None:
    small = pipeline.with_settings(partition_size=4)
    draw_scenes(small.root / "flat", 4)
    small.ingest()
    assert {point["partition"] for point in small.points().values()} == {"flat"}
    draw_scenes(small.root / "flat", 3, seed=5, ending=".png")
    summary = small.ingest()
    assert (summary.embedded, summary.files, summary.indexed) == (3, 7, 7)
    partitions = {point["partition"] for point in small.points().values()}
    assert partitions <= {"flat#0of2", "flat#1of2"} and len(small.points()) == 7


def test_a_directory_that_outgrows_its_parts_is_not_taken_for_deleted(embedded: Pipeline) -> None:
    large = embedded.with_settings(models="bundled:embedder,none", partition_size=101)
    (large.root / "flat").mkdir()
    for n in range(102):
        Image.new("RGB", (8, 8), (n, 0, 0)).save(large.root / f"flat/{n}.png")
        if n == 100:
            large.ingest()
    assert large.ingest().indexed == 102
    assert {point["partition"] for point in large.points().values()} == {"flat#0of2", "flat#1of2"}


def test_another_model_builds_a_collection_beside_the_old_one(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "trip", 3)
    pipeline.ingest()
    with open_engine(address_of(pipeline.settings)) as engine:
        [before] = engine.aliases().values()
    other = pipeline.with_settings(dtype="fp32")
    summary = other.ingest()
    assert (summary.embedded, summary.indexed) == (3, 3)
    with open_engine(address_of(pipeline.settings)) as engine:
        [after] = engine.aliases().values()
        names = engine.names()
    assert after != before and names == [after]


def test_a_new_version_waits_for_directories_that_dagster_does_not_know(
    embedded: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_scenes(embedded.root / "one", 2)
    draw_scenes(embedded.root / "two", 2, seed=1)
    silent = embedded.with_settings(models="bundled:embedder,none")
    silent.ingest()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster of my own"))
    other = embedded.with_settings(models="bundled:embedder,none", dtype="fp32")
    with open_instance(Store(other.settings.home)) as instance:
        register(instance, ["one"])
        job = make_definitions(other.settings).resolve_job_def("ingest")
        assert job.execute_in_process(instance=instance, partition_key="one").success
    assert len(other.points()) == 4, "what is searched is the version before"
    assert other.ingest().indexed == len(other.points()) == 4


def test_a_run_leaves_directories_as_they_are_that_did_not_change(pipeline: Pipeline) -> None:
    for seed, name in enumerate(("one", "two", "three")):
        draw_with_sidecars(pipeline.root / name, 2, seed=seed)
    pipeline.ingest()
    store = Store(pipeline.settings.home)

    def run() -> tuple[dict[str, int], dict[str, set[str]]]:
        """Materialize all directories; how many rows each asset tells of, and of which it says it did not make them."""
        tags = range_tags(PartitionRange(("one", "three", "two")))
        with open_instance(store) as instance:
            job = make_definitions(pipeline.settings).resolve_job_def("ingest")
            result = job.execute_in_process(instance=instance, tags=tags)
        assert result.success and all(check.passed for check in result.get_asset_check_evaluations())
        rows: Counter[str] = Counter()
        left: dict[str, set[str]] = {asset.key.to_user_string(): set() for asset in ASSETS}
        for event in result.get_asset_materialization_events():
            told, asset = event.materialization, event.materialization.asset_key.to_user_string()
            rows[asset] += told.metadata["dagster/row_count"].value
            if "unchanged_since" in told.metadata:
                left[asset].add(str(told.partition))
        return dict(rows), left

    assets = [asset.key.to_user_string() for asset in ASSETS]
    tables = {file: file.stat().st_mtime_ns for file in (store.home / "tables").rglob("*.parquet")}
    assert run() == (dict.fromkeys(assets, 6), {key: {"one", "two", "three"} for key in assets})
    assert {file: file.stat().st_mtime_ns for file in (store.home / "tables").rglob("*.parquet")} == tables

    draw_with_sidecars(pipeline.root / "two", 1, seed=9, ending=".png")
    with address_of(pipeline.settings).connect(pipeline.settings.collection) as qdrant:
        qdrant.points(qdrant.searched_version().name).delete_points([point_id("one/a0.jpg")])
    rows, left = run()
    assert rows == dict.fromkeys(assets, 7)
    assert left == {key: {"one", "three"} for key in assets} | {"qdrant_collection": {"three"}}, (
        "a point of one was lost"
    )
    assert len(pipeline.points()) == 7

    store.table_file("captions", "three").unlink()
    assert run()[1]["captions"] == {"one", "two"}
    assert store.table_file("captions", "three").exists()


def test_a_qdrant_that_was_lost_is_filled_again_without_a_model(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "trip", 3)
    pipeline.ingest()
    before = pipeline.points().keys()
    delete_collections(address_of(pipeline.settings))
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned) == (0, 0)
    assert pipeline.points().keys() == before


def test_a_qdrant_that_was_lost_is_filled_again_although_a_run_has_begun_it_anew(pipeline: Pipeline) -> None:
    for seed, name in enumerate(("one", "two")):
        draw_scenes(pipeline.root / name, 2, seed=seed)
    pipeline.ingest()
    before = pipeline.points().keys()
    delete_collections(address_of(pipeline.settings))
    with open_instance(Store(pipeline.settings.home)) as instance:
        job = make_definitions(pipeline.settings).resolve_job_def("ingest")
        assert job.execute_in_process(instance=instance, partition_key="one").success
    assert pipeline.ingest().embedded == 0
    assert pipeline.points().keys() == before


def test_much_that_vanishes_at_once_asks_for_a_flag(embedded: Pipeline) -> None:
    for number in range(3):
        (embedded.root / f"day {number}").mkdir()
        for n in range(60):
            Image.new("RGB", (8, 8), (number * 80, n * 4, 0)).save(embedded.root / f"day {number}/{n}.png")
    embedded.with_settings(models="bundled:embedder,none").ingest()
    shutil.rmtree(embedded.root / "day 1")
    shutil.rmtree(embedded.root / "day 2")
    with pytest.raises(LibraryError, match="--allow-deletions"):
        embedded.with_settings(models="bundled:embedder,none").ingest()
    assert len(embedded.points()) == 180
    summary = embedded.with_settings(models="bundled:embedder,none").ingest(allow_deletions=True)
    assert (summary.deleted, len(embedded.points())) == (120, 60)


def test_captions_can_be_switched_off(embedded: Pipeline) -> None:
    draw_scenes(embedded.root / "trip", 2)
    silent = embedded.with_settings(models="bundled:embedder,none")
    summary = silent.ingest()
    assert (summary.embedded, summary.captioned, summary.indexed) == (2, 0, 2)
    assert all("caption" not in point for point in silent.points().values())
    summary = embedded.ingest()
    assert (summary.embedded, summary.captioned) == (0, 2), "the embeddings are the same model's"
    assert all(point["caption"] for point in embedded.points().values())


def test_the_cache_may_be_deleted_at_any_time(embedded: Pipeline) -> None:
    draw_scenes(embedded.root / "trip", 2)
    embedded.ingest()
    shutil.rmtree(embedded.settings.home / "cache")
    draw_scenes(embedded.root / "trip", 1, seed=3, ending=".png")
    summary = embedded.ingest()
    assert (summary.indexed, summary.quarantined) == (3, 0)
    assert len(embedded.points()) == 3


def test_decoded_tensors_can_be_kept(embedded: Pipeline) -> None:
    draw_scenes(embedded.root / "trip", 2)
    embedded.with_settings(keep_decoded_tensors=True).ingest()
    assert len(list((embedded.settings.home / "tensors").rglob("*.npy"))) == 1


def test_a_directory_that_cannot_be_listed_keeps_its_points_and_holds_up_no_other(pipeline: Pipeline) -> None:
    for name in ("private/inner", "open", "goes"):
        draw_scenes(pipeline.root / name, 2, seed=len(name))
    pipeline.ingest()
    draw_scenes(pipeline.root / "open", 1, seed=9, ending=".png")
    draw_scenes(pipeline.root / "new", 1, seed=8)
    shutil.rmtree(pipeline.root / "goes")
    (pipeline.root / "private").chmod(0)
    with unprivileged():
        with pytest.raises(PartlyIngestedError, match=r"private cannot be listed \(Permission denied\)") as raised:
            pipeline.ingest()
        summary = raised.value.summary
        assert (summary.files, summary.indexed, summary.embedded, summary.deleted) == (6, 6, 2, 2)
        with open_ingestion(pipeline.settings) as ingestion:
            states = {state.key: state.state for state in ingestion.scan().states}
    (pipeline.root / "private").chmod(0o755)
    assert states == {"open": "ingested", "new": "ingested", "private": "unlisted", "private/inner": "unlisted"}
    directories = [payload["directory"] for payload in pipeline.points().values()]
    assert sorted(directories) == ["new", "open", "open", "open", "private/inner", "private/inner"]
    assert pipeline.ingest().unchanged == 6, "once it can be listed, all is as it was"


def test_what_was_made_of_a_photograph_goes_long_after_it(embedded: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_scenes(embedded.root / "trip", 2)
    embedded.ingest()
    store = Store(embedded.settings.home)
    hashes = {path: payload["sha256"] for path, payload in embedded.points().items()}
    large = store.large_thumbnail_file(hashes["trip/a0.jpg"])
    large.parent.mkdir(parents=True)
    large.touch()
    (embedded.root / "trip/a0.jpg").unlink()
    embedded.ingest()
    assert store.thumbnail_file(hashes["trip/a0.jpg"]).exists(), "it may come back"
    monkeypatch.setattr("image_pipeline.storage.history.DELETED_FILES_KEPT", timedelta(seconds=-2))
    draw_scenes(embedded.root / "trip", 1, seed=5, ending=".png")
    embedded.ingest()
    assert not store.thumbnail_file(hashes["trip/a0.jpg"]).exists()
    assert not large.exists()
    assert store.thumbnail_file(hashes["trip/a1.jpg"]).exists()
    draw_scenes(embedded.root / "trip", 1)
    assert embedded.ingest().embedded == 1, "nothing is left of it in the cache"


def test_thumbnails_that_were_deleted_are_made_again(embedded: Pipeline) -> None:
    draw_scenes(embedded.root / "trip", 2)
    embedded.ingest()
    shutil.rmtree(Store(embedded.settings.home).home / "thumbnails")
    draw_scenes(embedded.root / "trip", 1, seed=5, ending=".png")
    assert embedded.ingest().embedded == 1
    for payload in embedded.points().values():
        assert Store(embedded.settings.home).thumbnail_file(payload["sha256"]).exists()
