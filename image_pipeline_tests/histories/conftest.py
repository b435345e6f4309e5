"""The worlds that histories happen in: one with the embedded Qdrant, one with a server of its own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline_tests.histories.history import World, make_model, make_records
from image_pipeline_tests.histories.model import Model
from image_pipeline_tests.histories.server import KillableServer
from image_pipeline_tests.histories.tally import Tally
from image_pipeline_tests.support.room import Room
from image_pipeline_tests.support.runs import RunServer

MODELS = os.environ.get("HISTORIES_MODELS", "demo")
_STORE_MEGABYTES = 512

_tallies: dict[str, Tally] = {}


@pytest.fixture(scope="session")
def model(runs: RunServer, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """What must hold."""
    return make_model(runs, tmp_path_factory.mktemp("reference"), MODELS)


@pytest.fixture(scope="session")
def records(runs: RunServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dagster's records of nothing."""
    return make_records(runs, tmp_path_factory.mktemp("records"), MODELS)


@pytest.fixture(scope="session")
def room(memory: Path) -> Iterator[Room]:
    """A small disk for the stores."""
    with Room(memory / "room", _STORE_MEGABYTES) as room:
        yield room


@pytest.fixture
def embedded_world(runs: RunServer, model: Model, records: Path, room: Room) -> Iterator[World]:
    """Histories with the embedded Qdrant."""
    with tempfile.TemporaryDirectory(prefix="histories-") as directory:
        yield World(runs, room, Path(directory), records, MODELS, model, _tally("embedded"))


@pytest.fixture
def server_world(
    runs: RunServer, model: Model, records: Path, room: Room, memory: Path, qdrant_binary: Path
) -> Iterator[World]:
    """Histories with a server, that may be stopped at any time."""
    with (
        tempfile.TemporaryDirectory(prefix="histories-") as directory,
        tempfile.TemporaryDirectory(prefix="server-", dir=memory) as storage,
        KillableServer(qdrant_binary, Path(storage)) as server,
    ):
        collections = Path(storage) / "storage" / "collections"
        yield World(runs, room, Path(directory), records, MODELS, model, _tally("server"), server, collections)


@pytest.fixture(params=["embedded", "server"])
def world(request: pytest.FixtureRequest) -> World:
    """Both."""
    found: World = request.getfixturevalue(f"{request.param}_world")
    return found


def _tally(name: str) -> Tally:
    return _tallies.setdefault(name, Tally())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, tally in _tallies.items():
        terminalreporter.write_line(f"histories, Qdrant {name}: {tally}")
