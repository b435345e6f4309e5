"""One history: a library, its store, the runs over it, and what must hold after a run that nothing disturbed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from image_pipeline.collection.connection import address_of
from image_pipeline.files.partition import Partition
from image_pipeline.schema.rows import Embedding
from image_pipeline.settings import Settings, load_settings, variable_of
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables
from image_pipeline_tests.histories.changes import apply, fill
from image_pipeline_tests.histories.library import Library
from image_pipeline_tests.histories.model import Model, Reference, cached, read_points
from image_pipeline_tests.histories.operations import Operation
from image_pipeline_tests.histories.pool import make_pool
from image_pipeline_tests.histories.server import KillableServer
from image_pipeline_tests.histories.tally import Tally
from image_pipeline_tests.support.moments import Moment, StoreWatch
from image_pipeline_tests.support.raw_qdrant import delete_collections
from image_pipeline_tests.support.room import Room
from image_pipeline_tests.support.runs import Outcome, Run, RunServer

_numbers = count()


@dataclass
class World:
    """What all histories share; `server` is None where Qdrant is embedded."""

    runs: RunServer
    room: Room
    directory: Path
    records: Path
    models: str
    model: Model
    tally: Tally
    server: KillableServer | None = None
    server_storage: Path | None = None


class History:
    """A history, from an empty store on. Each method that runs something waits until it has ended."""

    def __init__(self, world: World, files: int = 6, partition_size: int = 4096, is_fresh: bool = False) -> None:
        """The store is empty where `is_fresh`; else it has Dagster's records of nothing, which take long to make."""
        self.world = world
        number = next(_numbers)
        self.name = f"history-{number}"
        self.library = Library(
            world.directory / self.name / "library", world.model.pool, world.directory / self.name / "aside"
        )
        fill(self.library, files)
        self.settings = _settings(world, self.library.root, self.name, partition_size)
        self.environment = _environment(self.settings)
        self.store = Store(self.settings.home)
        if not is_fresh:
            shutil.copytree(world.records, self.store.dagster_home)
        self.watch = StoreWatch(self.store, world.server_storage)
        self.log: list[str] = self.library.log

    def close(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.settings.home, ignore_errors=True)
        shutil.rmtree(self.library.root.parent, ignore_errors=True)
        if self.world.server is not None:
            delete_collections(address_of(self.settings))

    def change(self, operations: list[Operation]) -> None:
        """Make changes to the library."""
        for operation in operations:
            apply(self.library, operation)
            self.world.tally.operations += 1

    def begin(self) -> Run:
        """Begin an ingestion."""
        self.world.tally.runs += 1
        return self.world.runs.begin(["ingest", "--json"], self.environment)

    def begin_search(self) -> Run:
        """Begin a search."""
        return self.world.runs.begin(["search", "a red circle", "--json"], self.environment)

    def kill_at(self, run: Run, moment: Moment | float) -> Outcome:
        """Kill a run at a moment, or after so many seconds, unless it ends before."""
        before = self.watch.snapshot()
        if isinstance(moment, Moment):
            self.watch.wait_for(moment, run)
        else:
            run.ends_within(moment)
        run.kill()
        outcome = run.wait()
        if outcome.was_killed:
            furthest = self.watch.furthest(before)
            self.world.tally.killed(furthest)
            self.log.append(f"killed at {moment}; it had come to {furthest}")
        else:
            self.log.append(f"ended with {outcome.code} before {moment}")
        return outcome

    def run_undisturbed(self) -> None:
        """Ingest, with nothing going on beside; raises AssertionError where anything is not as it must be then."""
        model = self.world.model
        before = cached(self.store)
        outcome = self.begin().wait()
        self.log.append(f"undisturbed run: {outcome.stdout.strip() or outcome.stderr[-500:]}")
        assert outcome.code == 0, f"a run that nothing disturbed failed: {outcome.stderr[-3000:]}"
        after = cached(self.store)
        for count_name, producer in (("embedded", model.embedding_producer), ("captioned", model.caption_producer)):
            grown = len(after.get(producer, set())) - len(before.get(producer, set()))
            told = outcome.summary[count_name]
            assert told == grown, f"{told} images were {count_name}, of which {grown} had not been seen by the model"
        problems = model.disagreements(self.settings, self.library.placed)
        assert not problems, "\n".join(problems)

    def look_for_work(self) -> None:
        """Raises AssertionError where another run would find something to do."""
        outcome = self.world.runs.run(["scan", "--json"], self.environment)
        assert outcome.code == 0, outcome.stderr[-3000:]
        states = json.loads(outcome.stdout)
        assert not [state for state in states if state["state"] != "ingested"], states


def ended_well(outcome: Outcome) -> bool:
    """Whether a run that may fail succeeded, or failed with one sentence for a person."""
    assert "Traceback" not in outcome.stderr, outcome.stderr[-5000:]
    if outcome.code == 0:
        return True
    lines = outcome.stderr.strip().splitlines()
    assert outcome.code == 1 and lines and lines[-1].startswith("image-pipeline: "), (
        f"exit status {outcome.code}: {outcome.stderr[-3000:]}"
    )
    return False


def make_records(runs: RunServer, directory: Path, models: str) -> Path:
    """Dagster's folder of a store whose library was empty."""
    (directory / "library").mkdir(parents=True)
    settings = load_settings(library=directory / "library", home=directory / "store", models=models, dtype="fp32")
    outcome = runs.run(["scan", "--json"], _environment(settings))
    assert outcome.code == 0, outcome.stderr
    return Store(settings.home).dagster_home


def make_model(runs: RunServer, directory: Path, models: str) -> Model:
    """Ingest the whole pool once, undisturbed, to know what the models make of each content."""
    pool = make_pool()
    root = directory / "library"
    root.mkdir(parents=True)
    for number, content in enumerate(pool.readable):
        (root / f"{number}{content.ending}").write_bytes(content.data)
    settings = load_settings(library=root, home=directory / "store", models=models, dtype="fp32", workers=2)
    outcome = runs.run(["ingest", "--json"], _environment(settings))
    assert outcome.code == 0, outcome.stderr
    points = read_points(settings)
    captions = {point.payload["sha256"]: point.payload["caption"] for point in points}
    exact = StageTables(Store(settings.home)).read(Embedding, Partition("").key)
    references = {row.sha256: Reference(np.array(row.vector), captions[row.sha256]) for row in exact}
    assert len(references) == len(pool.readable)
    nearest = _nearest(np.array([reference.vector for reference in references.values()]))
    assert nearest > 1e-3, f"two contents have vectors that differ by {nearest}"
    payload = points[0].payload
    return Model(pool, references, payload["embedding_producer"], payload["caption_producer"])


def _nearest(vectors: np.ndarray) -> float:
    differences = np.abs(vectors[:, None] - vectors[None]).max(axis=2)
    return float(differences[~np.eye(len(vectors), dtype=bool)].min())


def _settings(world: World, root: Path, name: str, partition_size: int) -> Settings:
    return load_settings(
        library=root,
        home=world.room.directory / name,
        models=world.models,
        dtype="fp32",
        workers=2,
        partition_size=partition_size,
        collection=name,
        qdrant_url=None if world.server is None else world.server.url,
        qdrant_grpc_port=6334 if world.server is None else world.server.grpc_port,
    )


def _environment(settings: Settings) -> Mapping[str, str]:
    names = ("library", "home", "models", "dtype", "workers", "partition_size", "collection", "qdrant_url")
    values = {variable_of(name): getattr(settings, name) for name in (*names, "qdrant_grpc_port")}
    return {name: str(value) for name, value in values.items() if value is not None}
