"""A collection that has to be made again is filled from the tables, wherever the program is killed meanwhile."""

import itertools
import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from image_pipeline.collection.client_engine import ClientEngine
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.edge.engine import EdgeEngine
from image_pipeline.collection.points import Point
from image_pipeline.collection.server import ServerAddress
from image_pipeline.services import filling
from image_pipeline.services.renewal import renew
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.locks import exclusive_lock
from image_pipeline.storage.store import Store
from image_pipeline_tests.services import killed_filling
from image_pipeline_tests.support.earlier_store import describe_former, make_earlier_layout, version_of, write_tables
from image_pipeline_tests.support.library import Pipeline


@dataclass
class Earlier:
    """A store of an earlier version of the program, and the points that its collection should hold."""

    settings: Settings
    points: dict[str, Point]

    @property
    def wiring(self) -> Wiring:
        return Wiring(self.settings)

    @property
    def ledger(self) -> Ledger:
        return Ledger(Store(self.settings.home).ledger_file)

    @property
    def before(self) -> str:
        return version_of(self.settings, layout=1).name

    @property
    def after(self) -> str:
        return version_of(self.settings, layout=2).name

    def versions(self) -> tuple[str | None, dict[str, dict[str, str]]]:
        """The version that is searched, and the digest of each point in each version; nothing is taken over."""
        with address_of(self.settings).connect("images") as qdrant:
            keys = list(self.ledger.entries())
            held = {name: qdrant.points(name).digests(keys) for name in qdrant.versions()}
            return qdrant.alias_target(), {name: merged(by_key.values()) for name, by_key in held.items()}

    def check_what_is_promised(self) -> int:
        """The ledger names only partitions whose points are there; a search finds all or nothing. Returns their number.

        For use after a kill at any place.
        """
        searched, held = self.versions()
        wanted = {point.id: point.digest for point in self.points.values()}
        new = held.get(self.after, {})
        assert new.items() <= wanted.items()
        moved = {key for key, entry in self.ledger.entries().items() if entry.collection == self.after}
        promised = {one.id for one in self.points.values() if one.payload["partition"] in moved}
        assert promised <= new.keys()
        assert not any(entry.fingerprint.startswith("~") for entry in self.ledger.entries().values())
        if searched is not None:
            assert held[searched] == wanted
        return len(moved)

    def check_that_all_is_done(self) -> None:
        searched, held = self.versions()
        assert searched == self.after
        assert held == {self.after: {point.id: point.digest for point in self.points.values()}}
        assert {entry.collection for entry in self.ledger.entries().values()} == {self.after}
        with address_of(self.settings).connect("images") as qdrant:
            for record in itertools.islice(qdrant.points(self.after).scroll(["trip 00000"]), 3):
                assert record.vector is not None and record.path is not None
                assert np.allclose(record.vector, self.points[record.path].vector, atol=1e-3)
            metadata = qdrant.metadata(self.after)
            assert (metadata["library"], metadata["layout"]) == (str(self.settings.library), "2")

    def killed_after(self, seconds: float) -> bool:
        """Let another program renew the collection, and kill it `seconds` after it begins; whether it was done."""
        settings = self.settings
        server = (settings.qdrant_url or "", str(settings.qdrant_grpc_port))
        command = [sys.executable, "-m", killed_filling.__name__, str(settings.home), str(settings.library)]
        command += [settings.models, *server]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(seconds)
            process.kill()
            return process.stdout.read() == "done\n"


def merged(some: Any) -> dict[str, str]:
    return {id_: digest for one in some for id_, digest in one.items()}


def settings_below(directory: Path, **given: Any) -> Settings:
    return Pipeline.below(directory, lock_seconds=30.0, **given).settings


@pytest.fixture
def size() -> tuple[int, int]:
    """Directories, and photographs in each."""
    return 12, 20


@pytest.fixture(params=["former", "server", "edge"])
def earlier(request: pytest.FixtureRequest, tmp_path: Path, size: tuple[int, int]) -> Earlier:
    """A former embedded Qdrant; and collections of layout 1 at a server, and in Qdrant Edge."""
    given: dict[str, Any] = {}
    if request.param == "server":
        address: ServerAddress = request.getfixturevalue("server_address")
        given = {"qdrant_url": address.url, "qdrant_grpc_port": address.grpc_port}
    settings = settings_below(tmp_path, **given)
    points = write_tables(settings, *size)
    if request.param == "former":
        describe_former(settings)
    else:
        make_earlier_layout(settings, address_of(settings), points)
    return Earlier(settings, {str(point.payload["path"]): point for point in points})


class Killed(BaseException):
    """The program ends here."""


@contextmanager
def killed_at_the(step: int) -> Iterator[None]:
    """Kill the program before it changes Qdrant or the ledger for the `step`th time."""
    taken = itertools.count(1)

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            if next(taken) >= step:
                raise Killed
            return change(*arguments, **named)

        return changed

    changes = ("create", "create_indexes", "set_metadata", "upsert", "delete", "set_alias", "drop", "note_taken")
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        for engine in (EdgeEngine, ClientEngine):
            for change in changes:
                if change in vars(engine):
                    patch.setattr(engine, change, counted(vars(engine)[change]))
        patch.setattr(Ledger, "move", counted(Ledger.move))
        patch.setattr(filling, "_GROUP_POINTS", 60)
        yield


def test_it_goes_on_wherever_it_was_killed(earlier: Earlier) -> None:
    moved, kills = 0, 0
    is_done = False
    for step in itertools.cycle([1, 2, 3]):  # with two changes at a time, it makes progress
        with killed_at_the(step):
            is_done = renew(earlier.wiring)
        if is_done:
            break
        kills += 1
        before, moved = moved, earlier.check_what_is_promised()
        assert moved >= before
        assert kills < 100
    assert kills >= 10
    earlier.check_that_all_is_done()
    with killed_at_the(1):
        assert renew(earlier.wiring), "there is nothing left to do"


def test_it_goes_on_after_its_process_was_killed(earlier: Earlier) -> None:
    kill_often(earlier, seed=1, kills=3)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("size", [(150, 20)])
@pytest.mark.parametrize("seed", range(10, 13))
def test_it_goes_on_after_many_kills(earlier: Earlier, seed: int) -> None:
    kill_often(earlier, seed, kills=15)


def kill_often(earlier: Earlier, seed: int, kills: int) -> None:
    rng = random.Random(seed)
    moved, spent = 0, 0
    for _ in range(kills):
        is_done = earlier.killed_after(rng.uniform(0, 1.5))
        before, moved = moved, earlier.check_what_is_promised()
        assert moved >= before
        spent += not is_done
        if is_done:
            break
    print(f"killed {spent} times, {moved} of {len(earlier.ledger.entries())} directories were moved")
    assert spent
    assert renew(earlier.wiring)
    earlier.check_that_all_is_done()


def test_several_programs_at_once_fill_once(earlier: Earlier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(renew(earlier.wiring))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4
    earlier.check_that_all_is_done()
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("Moving")]
    to = "embedded Qdrant" if earlier.settings.qdrant_url is None and former_of(earlier).exists() else None
    to = to or "version of the collection"
    assert told == [f"Moving 240 photographs to a new {to}, once and without a model."]


def former_of(earlier: Earlier) -> Path:
    return Store(earlier.settings.home).qdrant_directory


def test_a_limit_of_time_is_kept_and_the_next_call_goes_on(earlier: Earlier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_GROUP_POINTS", 20)
    monkeypatch.setattr(filling, "TURN_SECONDS", 0.0)
    calls = 1
    while not renew(earlier.wiring, seconds=0.0):
        calls += 1
        earlier.check_what_is_promised()
    assert calls == 13, "the last one finishes"
    earlier.check_that_all_is_done()


def test_who_waits_is_told_how_far_it_is(
    earlier: Earlier, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(filling, "REPORT_SECONDS", 0.0)
    with exclusive_lock(Store(earlier.settings.home).fill_lock_file, "it"):
        assert not renew(earlier.wiring, seconds=1.5)
    told = [record.getMessage() for record in caplog.records]
    assert told and all(
        line.startswith(f"Waiting for process {os.getpid()} (")
        and ", which moves photographs to a new " in line
        and line.endswith(": 0 of 240 are moved.")
        for line in told
    )


def test_partitions_whose_tables_are_lost_are_left_to_the_next_ingestion(
    earlier: Earlier, caplog: pytest.LogCaptureFixture
) -> None:
    Store(earlier.settings.home).table_file("embeddings", "trip 00003").unlink()
    earlier.ledger.set_outdated(["trip 00005"])  # a run has begun it
    assert renew(earlier.wiring)
    assert (
        "40 photographs in 2 directories are left to the next `image-pipeline ingest`, since the tables of the store "
        "lack them."
    ) in [record.getMessage() for record in caplog.records]
    outdated = {key for key, entry in earlier.ledger.entries().items() if entry.fingerprint.startswith("~")}
    assert outdated == {"trip 00003", "trip 00005"}
    searched, held = earlier.versions()
    assert len(held[earlier.after]) == 200
    if former_of(earlier).exists():
        assert searched == earlier.after
    else:  # the version before has them, and is searched until the ingestion is over
        assert searched == earlier.before and len(held[earlier.before]) == 240


def test_a_version_that_was_lost_is_filled_again(earlier: Earlier) -> None:
    assert renew(earlier.wiring)
    with address_of(earlier.settings).connect("images") as qdrant:
        qdrant.delete_versions([earlier.after])
    assert renew(earlier.wiring)
    earlier.check_that_all_is_done()


@pytest.mark.parametrize("earlier", ["former"], indirect=True)
def test_what_an_older_program_writes_or_retires_afterwards_is_taken_over(earlier: Earlier) -> None:
    assert renew(earlier.wiring)
    file = former_of(earlier) / f"collection/{earlier.before}/storage.sqlite"
    with killed_at_the(1):
        assert renew(earlier.wiring)
    file.write_bytes(b"an older program wrote this")
    ledger = earlier.ledger
    ledger.move([ledger.entries()["trip 00001"]], earlier.before)
    ledger.forget(["trip 00002"])
    earlier.points = {path: one for path, one in earlier.points.items() if one.payload["partition"] != "trip 00002"}
    earlier.wiring.address.versions("images")  # as any program does
    earlier.check_that_all_is_done()
    with address_of(earlier.settings).connect("images") as qdrant:
        assert qdrant.points(earlier.after).count() == 220
    earlier.wiring.address.settle()
    assert not file.exists()
