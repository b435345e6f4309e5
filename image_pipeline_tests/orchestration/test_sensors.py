"""The sensor: what it asks for as a library changes, tick by tick, with Dagster's own evaluation of ticks."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from image_pipeline.errors import LibraryError, ServiceUnavailableError
from image_pipeline.orchestration.build import make_definitions
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.partitions import DIRECTORIES_TAG, registered_keys
from image_pipeline.orchestration.sensors import attempt, next_attempt
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.moments import Moment, Place, StoreWatch
from image_pipeline_tests.support.rights import unprivileged
from image_pipeline_tests.support.runs import ProgramRuns
from image_pipeline_tests.support.sensor import ranges, tick


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """An empty library whose directories settle at once."""
    return Pipeline.below(tmp_path, models="demo", settle_seconds=0, partition_size=8)


@pytest.fixture
def instance(pipeline: Pipeline) -> Iterator[dg.DagsterInstance]:
    with open_instance(Store(pipeline.settings.home)) as instance:
        yield instance


def execute(pipeline: Pipeline, instance: dg.DagsterInstance, told: dg.SensorResult | dg.SkipReason) -> None:
    """The runs that were asked for, in their order."""
    assert isinstance(told, dg.SensorResult), told
    definitions = make_definitions(pipeline.settings)
    for request in told.run_requests or ():
        assert request.job_name is not None
        job = definitions.resolve_job_def(request.job_name)
        tags = {**request.tags, "dagster/run_key": str(request.run_key)}
        job.execute_in_process(request.run_config, instance, tags=tags, raise_on_error=False)


def jobs(told: dg.SensorResult | dg.SkipReason) -> list[str | None]:
    """The jobs that runs are asked for of."""
    assert isinstance(told, dg.SensorResult), told
    return [request.job_name for request in told.run_requests or ()]


def said(told: dg.SensorResult | dg.SkipReason) -> str:
    """Why no run is asked for."""
    assert isinstance(told, dg.SkipReason), told
    return str(told.skip_message)


def test_new_folders_are_asked_for_in_few_runs(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    for number in range(4):
        draw_scenes(pipeline.root / f"day {number}", 3, seed=number)
    assert ranges(tick(pipeline, instance)) == [("day 0", "day 1"), ("day 2", "day 3")], "eight files a run at most"
    assert registered_keys(instance) == [f"day {number}" for number in range(4)]


def test_a_quiet_library_asks_for_nothing(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    pipeline.ingest()
    assert said(tick(pipeline, instance)) == "All 1 partitions of the library are ingested."


def test_a_folder_that_is_still_being_copied_waits(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    patient = pipeline.with_settings(settle_seconds=3600)
    draw_scenes(pipeline.root / "trip", 2)
    assert said(tick(patient, instance)) == "1 directory has changed too recently."
    draw_scenes(pipeline.root / "walk", 2)
    assert said(tick(patient, instance)) == "2 directories have changed too recently."


def retired(told: dg.SensorResult | dg.SkipReason) -> list[str]:
    """The partitions that are asked to be taken out, and nothing else is."""
    assert jobs(told) == ["retire"] and isinstance(told, dg.SensorResult) and told.run_requests
    [request] = told.run_requests
    keys: list[str] = request.run_config["ops"]["retire_partitions"]["config"]["keys"]
    assert request.tags[DIRECTORIES_TAG] == (keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]} ({len(keys)})")
    return keys


def test_what_changed_and_what_is_gone_are_asked_for(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    for name in ("stays", "changes", "goes"):
        draw_scenes(pipeline.root / name, 2, seed=len(name))
    pipeline.ingest()
    draw_scenes(pipeline.root / "changes", 1, seed=9, ending=".png")
    shutil.rmtree(pipeline.root / "goes")
    told = tick(pipeline, instance)
    assert ranges(told) == [("changes", "changes")] and jobs(told) == ["ingest"], "what came may be what went"
    execute(pipeline, instance, told)
    assert retired(tick(pipeline, instance)) == ["goes"]


def test_folders_whose_runs_fail_hold_up_no_others(
    pipeline: Pipeline, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("image_pipeline.orchestration.sensors.KEYS_PER_TICK", 2)
    for name in ("a", "b", "c"):
        draw_scenes(pipeline.root / name, 2)
    assert ranges(tick(pipeline, instance)) == [("a", "b")]
    assert ranges(tick(pipeline, instance)) == [("a", "c")], "the runs of a and b came to nothing"


def test_the_same_state_asks_for_the_same_run(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    first, second = tick(pipeline, instance), tick(pipeline, instance)
    assert isinstance(first, dg.SensorResult) and isinstance(second, dg.SensorResult)
    keys = [[request.run_key for request in told.run_requests or ()] for told in (first, second)]
    assert keys[0] == keys[1], "Dagster begins a run once for each run key"


def test_what_stays_as_it_is_is_tried_again_less_and_less_often() -> None:
    begun = [second for second in range(0, 86_400, 60) if attempt(second) != attempt(second - 60)]
    minutes = [(later - earlier) // 60 for earlier, later in pairwise([0, *begun])]
    assert minutes == [15, 30, 60, 120, 360, 360, 360]
    assert [next_attempt(second - 60) for second in begun] == begun


def test_a_folder_that_looks_again_as_it_did_is_another_wish(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    keys = []
    for _ in range(2):
        draw_scenes(pipeline.root / "trip", 2)
        told = tick(pipeline, instance)
        assert isinstance(told, dg.SensorResult)
        keys += [request.run_key for request in told.run_requests or ()]
        shutil.move(pipeline.root / "trip", pipeline.root / "aside")
        tick(pipeline, instance)
        shutil.move(pipeline.root / "aside", pipeline.root / "trip")
    assert len(set(keys)) == 2, "Dagster keeps a run key for ever"


def test_another_model_asks_for_another_run_at_once(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    first = tick(pipeline, instance)
    pipeline.ingest()
    second = tick(pipeline.with_settings(models="bundled:embedder,none", settle_seconds=0), instance)
    assert isinstance(first, dg.SensorResult) and isinstance(second, dg.SensorResult)
    [before], [after] = first.run_requests or (), second.run_requests or ()
    assert before.run_key != after.run_key, "although the directory looks the same, and has done for no time at all"


def test_a_directory_that_cannot_be_listed_holds_up_no_other(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    for name in ("private/inner", "open", "goes"):
        draw_scenes(pipeline.root / name, 2, seed=len(name))
    pipeline.ingest()
    tick(pipeline, instance)
    draw_scenes(pipeline.root / "open", 1, seed=9, ending=".png")
    shutil.rmtree(pipeline.root / "goes")
    (pipeline.root / "private").chmod(0)
    with unprivileged():
        told = tick(pipeline, instance)
        assert ranges(told) == [("open", "open")]
        execute(pipeline, instance, told)
        told = tick(pipeline, instance)
        assert retired(told) == ["goes"], "only what is known to be gone"
        execute(pipeline, instance, told)
        told = tick(pipeline, instance)
    (pipeline.root / "private").chmod(0o755)
    assert "private cannot be listed" in said(told)


def test_the_directories_of_a_killed_run_are_asked_for_again(
    pipeline: Pipeline, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    store = Store(pipeline.settings.home)
    environment = {
        "IMAGE_LIBRARY": str(pipeline.root),
        "IMAGE_PIPELINE_HOME": str(store.home),
        "IMAGE_PIPELINE_MODELS": "demo",
    }
    run = ProgramRuns(tmp_path).begin(["ingest"], environment)
    assert StoreWatch(store).wait_for(Moment(Place.CONTENT_HASHES, 1, 0), run)
    assert said(tick(pipeline, instance)) == "1 directory is being ingested."
    run.kill()
    assert run.wait().was_killed
    assert ranges(tick(pipeline, instance)) == [("trip", "trip")]
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE], "it takes no run's place"


def test_another_model_brings_all_directories_to_its_collection(
    pipeline: Pipeline, instance: dg.DagsterInstance
) -> None:
    for number in range(2):
        draw_scenes(pipeline.root / f"day {number}", 2, seed=number)
    pipeline.ingest()
    told = tick(pipeline.with_settings(models="bundled:embedder,none", settle_seconds=0), instance)
    assert ranges(told) == [("day 0", "day 1")]


def test_a_library_that_is_not_mounted_is_an_error_and_deletes_nothing(
    pipeline: Pipeline, instance: dg.DagsterInstance
) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    pipeline.ingest()
    shutil.move(pipeline.root, pipeline.root.with_name("elsewhere"))
    with pytest.raises(LibraryError, match="does not exist"):
        tick(pipeline, instance)
    pipeline.root.mkdir()
    with pytest.raises(LibraryError, match="mount it"):
        tick(pipeline, instance)
    pipeline.root.rmdir()
    shutil.move(pipeline.root.with_name("elsewhere"), pipeline.root)
    assert "are ingested" in said(tick(pipeline, instance)), "and the next tick goes on"


def test_a_qdrant_that_does_not_answer_is_an_error(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    away = pipeline.with_settings(qdrant_url="http://127.0.0.1:9", qdrant_grpc_port=9)
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        tick(away, instance)


def test_a_renamed_directory_can_be_found_at_any_moment(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    pipeline = pipeline.with_settings(models="bundled:embedder,none", settle_seconds=0, partition_size=200)
    (pipeline.root / "trip").mkdir()
    for number in range(102):  # more than may vanish at once
        Image.new("RGB", (8, 8), (number, 0, 0)).save(pipeline.root / f"trip/{number}.png")
    pipeline.ingest()
    contents = {point["sha256"] for point in pipeline.points().values()}
    (pipeline.root / "trip").rename(pipeline.root / "journey")
    told = tick(pipeline, instance)
    assert ranges(told) == [("journey", "journey")] and jobs(told) == ["ingest"]
    execute(pipeline, instance, told)
    assert {point["directory"] for point in pipeline.points().values()} == {"trip", "journey"}
    told = tick(pipeline, instance)
    assert retired(told) == ["trip"]
    execute(pipeline, instance, told)
    points = pipeline.points().values()
    assert {point["directory"] for point in points} == {"journey"}
    assert len(points) == 102 and {point["sha256"] for point in points} == contents
    assert "are ingested" in said(tick(pipeline, instance))


def test_many_small_losses_are_a_large_one_until_they_are_retired(
    pipeline: Pipeline, instance: dg.DagsterInstance
) -> None:
    pipeline = pipeline.with_settings(models="bundled:embedder,none", settle_seconds=0, deletion_share=0.5)
    for name in ("a", "b", "stays"):
        (pipeline.root / name).mkdir()
        for number in range(51):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(pipeline.root / name / f"{number}.png")
    pipeline.ingest()
    shutil.rmtree(pipeline.root / "a")
    assert retired(tick(pipeline, instance)) == ["a"]
    shutil.rmtree(pipeline.root / "b")
    with pytest.raises(LibraryError, match="102 of 153 files would disappear from the collection, more than 50%"):
        tick(pipeline, instance)
    with pytest.raises(LibraryError, match="102 of 153 files would disappear from the collection, more than 50%"):
        pipeline.ingest()
    assert len(pipeline.points()) == 153
    assert pipeline.ingest(allow_deletions=True).deleted == 102


def test_what_went_does_not_wait_for_what_came_once_that_failed(
    pipeline: Pipeline, instance: dg.DagsterInstance
) -> None:
    draw_scenes(pipeline.root / "stays", 2)
    draw_scenes(pipeline.root / "trip", 2, seed=1)
    pipeline.ingest()
    (pipeline.root / "trip").rename(pipeline.root / "journey")
    told = tick(pipeline, instance)
    (pipeline.root / "journey").chmod(0)
    with unprivileged():
        execute(pipeline, instance, told)
    (pipeline.root / "journey").chmod(0o755)
    told = tick(pipeline, instance)
    assert retired(told) == ["trip"]
    execute(pipeline, instance, told)
    assert "1 directory was tried, and the next attempt is at" in said(tick(pipeline, instance))
