"""Ctrl-C, or Terminate on the page: the whole run ends, in whatever stage it is, and what was done is kept."""

import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.partitions import register
from image_pipeline.schema.rows import Stage
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.dagster_page import Page
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.runs import Run, RunServer
from image_pipeline_tests.support.shell import DAGSTER

_IMAGES = 2000
"""Several batches of a small captioner, which are not over before somebody can interrupt them."""
_SECONDS = 120.0
_LARGE_BYTES = 1 << 40


@dataclass(frozen=True)
class Home:
    """A library of one directory, `trip`, with many different images; and a store."""

    directory: Path
    captioner: Path

    @property
    def store(self) -> Store:
        return Store(self.directory / "store")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "IMAGE_LIBRARY": str(self.directory / "library"),
            "IMAGE_PIPELINE_HOME": str(self.store.home),
            "IMAGE_PIPELINE_MODELS": f"bundled:embedder,{self.captioner}",
        }

    def draw(self, images: int) -> None:
        trip = self.directory / "library/trip"
        draw_scenes(trip, 1)
        for number in range(1, images):
            # no two are the same picture, of which a model would see one
            Image.new("RGB", (64, 64), (number % 256, number // 256, 128)).save(trip / f"a{number}.png")

    def add_large_file(self) -> None:
        """A file that takes an hour to hash, and no room."""
        with (self.directory / "library/trip/large.jpg").open("wb") as file:
            file.write((self.directory / "library/trip/a0.jpg").read_bytes())
            file.truncate(_LARGE_BYTES)

    def wait_for(self, stage: Stage, run: Run | None = None) -> None:
        """Wait until a stage is made of the directory."""
        assert wait_until(
            lambda: self.store.table_file(stage, "trip").exists() or bool(run and run.has_ended), _SECONDS
        )
        assert run is None or not run.has_ended, run.wait().stderr

    def wait_for_captions(self) -> None:
        """Wait until some captions are there, and more are to come."""
        self.wait_for(Stage.IMAGE_METADATA)
        assert wait_until(lambda: self._captions() > 0, _SECONDS)

    def _captions(self) -> int:
        with closing(sqlite3.connect(self.store.cache_file)) as cache:
            [(count,)] = cache.execute("SELECT count(*) FROM content WHERE CAST(value AS TEXT) LIKE '%confidence%'")
            return int(count)

    @property
    def stages(self) -> set[str]:
        """The stages that were made of the directory."""
        return {stage for stage in Stage if self.store.table_file(stage, "trip").exists()}

    def statuses(self) -> list[dg.DagsterRunStatus]:
        """How the runs ended, the last one first."""
        with open_instance(self.store) as instance:
            return [run.status for run in instance.get_runs()]


@pytest.fixture
def home(tmp_path: Path, blip_directory: Path) -> Home:
    return Home(tmp_path, blip_directory)


def test_ctrl_c_while_hashing_does_not_wait_for_a_large_file(home: Home, runs: RunServer) -> None:
    home.draw(1)
    home.add_large_file()
    run = runs.begin(["ingest"], home.environment)
    home.wait_for(Stage.DISCOVERED_FILES, run)
    os.kill(run.pid, signal.SIGINT)
    assert "Interrupted" in run.wait(60).stderr
    assert home.stages == {Stage.DISCOVERED_FILES}
    assert home.statuses() == [dg.DagsterRunStatus.CANCELED]


def test_ctrl_c_while_decoding_ends_the_run(home: Home, runs: RunServer) -> None:
    home.draw(_IMAGES)
    run = runs.begin(["ingest"], home.environment)
    home.wait_for(Stage.CONTENT_HASHES, run)
    os.kill(run.pid, signal.SIGINT)
    assert "Interrupted" in run.wait(60).stderr
    assert home.stages == {Stage.DISCOVERED_FILES, Stage.CONTENT_HASHES}
    assert home.statuses() == [dg.DagsterRunStatus.CANCELED]


def test_ctrl_c_during_captions_embeds_nothing_and_keeps_what_was_captioned(home: Home, runs: RunServer) -> None:
    home.draw(_IMAGES)
    run = runs.begin(["ingest"], home.environment)
    home.wait_for_captions()
    os.kill(run.pid, signal.SIGINT)
    ended = run.wait(60)
    assert ended.code != 0 and "Interrupted" in ended.stderr and "Traceback" not in ended.stderr
    assert not home.stages & {Stage.CAPTIONS, Stage.EMBEDDINGS}
    assert home.statuses() == [dg.DagsterRunStatus.CANCELED]
    summary = runs.run(["ingest", "--json"], home.environment).summary
    assert (summary["indexed"], summary["embedded"]) == (_IMAGES, _IMAGES)
    assert 0 < summary["captioned"] < _IMAGES


def test_ctrl_c_ends_a_run_of_dagsters_own_command(home: Home, runs: RunServer) -> None:
    home.draw(_IMAGES)
    assert runs.run(["scan"], home.environment).code == 0
    records = str(home.store.dagster_home)
    command = [DAGSTER, "job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags"]
    process = subprocess.Popen(
        [*command, '{"dagster/partition": "trip"}'],
        env={"PATH": os.environ["PATH"], "HOME": str(home.directory), **home.environment, "DAGSTER_HOME": records},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    home.wait_for_captions()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 1
    assert not home.stages & {Stage.CAPTIONS, Stage.EMBEDDINGS}
    assert home.statuses() == [dg.DagsterRunStatus.CANCELED]


def test_terminate_on_the_page_ends_the_run_and_nobody_begins_it_again(home: Home) -> None:
    home.draw(_IMAGES)
    os.environ |= home.environment
    with open_instance(home.store):
        pass
    with dg.DagsterInstance.get() as instance, Page(instance) as page:
        register(instance, ["trip"])
        run_id = page.launch({"dagster/partition": "trip"})
        home.wait_for_captions()
        page.terminate(run_id)
        assert page.ended(run_id).status is dg.DagsterRunStatus.CANCELED
        assert page.begin_again() == 0
    assert not home.stages & {Stage.CAPTIONS, Stage.EMBEDDINGS}
