"""Several ingestions of one library at once, while it changes: they wait for each other, and none fails."""

import itertools
import shutil
import threading
import time
from pathlib import Path

import pytest

from image_pipeline.collection.connection import address_of
from image_pipeline.files.plan import PartitionRange
from image_pipeline.orchestration.build import make_definitions
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.partitions import range_tags, register, registered_keys, unregister
from image_pipeline.schema.rows import Stage
from image_pipeline.settings import load_settings
from image_pipeline.stages.retire import retire
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.partition_claims import PartitionClaims
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.runs import Outcome, RunServer

_SECONDS = 8.0
_AT_ONCE = 3


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    for number in range(_AT_ONCE):
        draw_scenes(tmp_path / f"library/day {number}", 3, seed=number)
    return {
        "IMAGE_LIBRARY": str(tmp_path / "library"),
        "IMAGE_PIPELINE_HOME": str(tmp_path / "store"),
        "IMAGE_PIPELINE_MODELS": "bundled:embedder,none",
    }


def test_three_ingestions_at_once_under_change_all_end_well(
    runs: RunServer, environment: dict[str, str], tmp_path: Path
) -> None:
    draw_scenes(tmp_path / "more", 20, seed=9)
    more = sorted((tmp_path / "more").iterdir())
    assert runs.run(["ingest"], environment).code == 0
    ends_at = time.monotonic() + _SECONDS
    outcomes: list[Outcome] = []
    begin = threading.Lock()

    def ingest_again_and_again() -> None:
        while time.monotonic() < ends_at:
            with begin:
                run = runs.begin(["ingest"], environment)
            outcomes.append(run.wait())

    threads = [threading.Thread(target=ingest_again_and_again) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for number in itertools.count():
        if time.monotonic() > ends_at:
            break
        shutil.copy(more[number % len(more)], tmp_path / f"library/day {number % _AT_ONCE}/n{number % 7}.jpg")
        if number % 40 == 39:
            (tmp_path / f"library/day {number % _AT_ONCE}").rename(tmp_path / f"library/renamed {number}")
            draw_scenes(tmp_path / f"library/day {number % _AT_ONCE}", 1, seed=number)
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert [outcome.stderr for outcome in outcomes if outcome.code] == []
    assert runs.run(["ingest"], environment).code == 0
    verified = runs.run(["verify"], environment)
    assert verified.code == 0, verified.stdout


def test_who_waits_for_a_run_that_is_killed_goes_on(
    runs: RunServer, environment: dict[str, str], tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    for number in range(200):
        shutil.copy(tmp_path / "library/day 0/a0.jpg", tmp_path / f"library/day 0/{number}.jpg")
    first = runs.begin(["ingest"], environment)
    assert wait_until(store.table_file(Stage.DISCOVERED_FILES, "day 0").exists, 60)
    first.suspend()
    assert not first.has_ended, "it ended before it could be suspended"
    claims = PartitionClaims(store)
    with claims:
        waiting = threading.Thread(target=claims.take, args=[["day 2", "day 0", "day 1"]])
        waiting.start()
        waiting.join(1.5)
        assert waiting.is_alive(), "the run has them to its end"
        first.kill()
        waiting.join(30)
        assert not waiting.is_alive() and claims.has(["day 0", "day 1", "day 2"])
    assert runs.run(["ingest"], environment).code == 0


def take_out(store: Store, library: Path, key: str, comes_back: bool) -> None:
    """Delete a directory, and take it out, as another run does that has it for itself; let it be there again."""
    settings = load_settings(library=library, home=store.home, models="bundled:embedder,none")
    shutil.rmtree(library / key)
    with open_instance(store) as instance:
        with address_of(settings).connect(settings.collection) as qdrant:
            retire(qdrant, StageTables(store), Ledger(store.ledger_file), [key])
        unregister(instance, [key])
        if comes_back:
            draw_scenes(library / key, 2, seed=7)
            register(instance, [key])


@pytest.mark.parametrize(("key", "comes_back"), [("day 0", False), ("day 1", True)])
def test_an_ingestion_that_waits_for_a_directory_which_is_taken_out_meanwhile_goes_on_without_it(
    runs: RunServer, environment: dict[str, str], tmp_path: Path, key: str, comes_back: bool
) -> None:
    store, library = Store(tmp_path / "store"), tmp_path / "library"
    assert runs.run(["ingest"], environment).code == 0
    for number in range(_AT_ONCE):
        draw_scenes(library / f"day {number}", 1, seed=5, ending=".png")
    with PartitionClaims(store) as claims:
        claims.take([key])
        run = runs.begin(["ingest"], environment)
        assert wait_until(lambda: f"Waiting for the directory {key}" in run.stderr_so_far, 60)
        take_out(store, library, key, comes_back)
    outcome = run.wait()
    assert outcome.code == 0, outcome.stderr
    verified = runs.run(["verify"], environment)
    assert verified.code == 0, verified.stdout


def test_a_run_from_the_page_goes_on_without_a_directory_that_is_taken_out_meanwhile(tmp_path: Path) -> None:
    store, library = Store(tmp_path / "store"), tmp_path / "library"
    settings = load_settings(library=library, home=store.home, models="bundled:embedder,none")
    keys = ["a", "b"]
    for key in keys:
        draw_scenes(library / key, 2, seed=ord(key))
    store.prepare(library)
    ends = []

    def run() -> None:
        job = make_definitions(settings).resolve_job_def("ingest")
        tags = range_tags(PartitionRange(tuple(keys)))
        ends.append(job.execute_in_process(instance=instance, tags=tags, raise_on_error=False).success)

    with open_instance(store) as instance:
        register(instance, keys)
        with PartitionClaims(store) as claims:
            claims.take(["a"])
            waiting = threading.Thread(target=run)
            waiting.start()
            assert wait_until(lambda: any(store.runs_directory.glob("*")), 60)
            waiting.join(3)
            assert waiting.is_alive()
            shutil.rmtree(library / "a")
            unregister(instance, ["a"])
        waiting.join(60)
        assert ends == [True]
        assert registered_keys(instance) == ["b"]
    assert Ledger(store.ledger_file).entries().keys() == {"b"}
