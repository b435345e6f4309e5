"""What is made once for all tests: a home folder, tiny models, a Qdrant server, both ways to Qdrant, a browser."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from benchmarks.qdrant_server import QdrantServer, find_binary
from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.embedded import EmbeddedAddress
from image_pipeline.collection.server import ServerAddress
from image_pipeline_tests.support.decoys import Snapshot, strew_decoys
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.raw_qdrant import delete_collections
from image_pipeline_tests.support.runs import RunServer
from image_pipeline_tests.support.shell import Shell
from image_pipeline_tests.support.tiny_models import write_blip, write_clip, write_siglip

_SHARED_MEMORY = Path("/dev/shm")
_QDRANT_BYTES = 1 << 30
_STORES_BYTES = 6 << 30  # a store takes 250 MB, and those that a module shares stay until the end
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

# a busy machine is no failure
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_configure() -> None:
    """Keep temporary files in memory, where there is room: SQLite, Dagster and Qdrant wait for a disk at every write.

    Whoever sets TMPDIR says where they are.
    """
    if not os.environ.get("TMPDIR") and _has_memory(_STORES_BYTES):
        os.environ["TMPDIR"] = str(_SHARED_MEMORY)
        tempfile.tempdir = None


def _has_memory(size: int) -> bool:
    return _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free >= size


@pytest.fixture(scope="session", autouse=True)
def home_of_decoys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home folder of the session's own, full of files that are nobody's to touch: none has changed at the end.

    Hidden folders may come, as caches of libraries do.
    """
    home = tmp_path_factory.mktemp("home of the tests")
    strew_decoys(home)
    hidden = {path.name for path in home.iterdir() if path.name.startswith(".")}
    before = Snapshot.of(home)
    usual = os.environ.get("HOME")
    os.environ["HOME"] = str(home)
    yield
    if usual is None:
        del os.environ["HOME"]
    else:
        os.environ["HOME"] = usual
    new = [path.name for path in home.iterdir() if path.name.startswith(".") and path.name not in hidden]
    assert before.differences(but=new) == [], "a test touched files of the person who runs it"


@pytest.fixture(autouse=True)
def environment_of_its_own() -> Iterator[None]:
    """What a test, or what it calls, sets in the environment is gone after it; Dagster's records are in the store."""
    with own_environment():
        yield


@pytest.fixture
def shell(tmp_path: Path, runs: RunServer) -> Shell:
    """Runs programs with the demo models and a store beside the test's files; one process imports for all of them."""
    return _shell(tmp_path, runs)


@pytest.fixture
def installed_shell(tmp_path: Path) -> Shell:
    """The same with the installed program itself, for tests of how it starts. That takes some seconds each time."""
    return _shell(tmp_path, None)


def _shell(home: Path, runs: RunServer | None) -> Shell:
    settings = {"IMAGE_PIPELINE_HOME": str(home / "store"), "IMAGE_PIPELINE_MODELS": "demo"}
    return Shell(home, runs, LANG="C.UTF-8", **settings)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunServer]:
    """Begins runs of the program; one process imports for all of them."""
    with RunServer(tmp_path_factory.mktemp("runs")) as server:
        yield server


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny models are written, once a session."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def clip_directory(tiny_models: Path) -> Path:
    """An open_clip model that crops."""
    return write_clip(tiny_models / "tiny-clip")


@pytest.fixture(scope="session")
def siglip_directory(tiny_models: Path) -> Path:
    """An open_clip model that squashes."""
    return write_siglip(tiny_models / "tiny-siglip")


@pytest.fixture(scope="session")
def blip_directory(tiny_models: Path) -> Path:
    """A BLIP model for captions."""
    return write_blip(tiny_models / "tiny-blip")


@pytest.fixture(scope="session")
def qdrant_binary() -> Path:
    """The program of a Qdrant server. Tests that need it are skipped where there is none, or fail where CI says so."""
    binary = find_binary()
    if binary is None:
        message = "There is no Qdrant server here: run `make qdrant`, or set QDRANT_BINARY."
        if os.environ.get("IMAGE_PIPELINE_TESTS_NEED_QDRANT") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return binary


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: Qdrant's own need less room than all temporary files."""
    where = _SHARED_MEMORY if _has_memory(_QDRANT_BYTES) else None
    with tempfile.TemporaryDirectory(prefix="image-pipeline-", dir=where) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def qdrant_server(qdrant_binary: Path, memory: Path) -> Iterator[QdrantServer]:
    """A running server, the same for all tests."""
    with QdrantServer(qdrant_binary, memory / "server") as server:
        yield server


@pytest.fixture
def embedded_address(memory: Path) -> Iterator[EmbeddedAddress]:
    """An embedded Qdrant with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="embedded-", dir=memory) as directory:
        store = Path(directory)
        yield EmbeddedAddress(store / "qdrant", store / "qdrant.lock", lock_seconds=1.0)


@pytest.fixture
def server_address(qdrant_server: QdrantServer) -> ServerAddress:
    """The server, with nothing in it."""
    address = ServerAddress(qdrant_server.url, qdrant_server.grpc_port)
    delete_collections(address)
    return address


@pytest.fixture(params=["embedded", "server"])
def qdrant_address(request: pytest.FixtureRequest) -> QdrantAddress:
    """Qdrant, both ways, with nothing in it."""
    address: QdrantAddress = request.getfixturevalue(f"{request.param}_address")
    return address


@pytest.fixture
def edge_address(memory: Path) -> Iterator[EdgeAddress]:
    """A Qdrant Edge with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="edge-", dir=memory) as directory:
        store = Path(directory)
        yield EdgeAddress(store / "qdrant-edge", store / "qdrant.lock", lock_seconds=1.0)


@pytest.fixture(params=["embedded", "server", "edge"])
def any_address(request: pytest.FixtureRequest) -> QdrantAddress:
    """Every kind of Qdrant, with nothing in it: for tests that see it only through the pipeline's own interface."""
    address: QdrantAddress = request.getfixturevalue(f"{request.param}_address")
    return address


@pytest.fixture
def library() -> Iterator[Path]:
    """An empty folder that every user can look into."""
    root = Path(tempfile.mkdtemp(prefix="library-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program of a Chromium. Tests that need it are skipped where there is none, or fail where CI says so."""
    found = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        message = "There is no Chromium here: install your system's package `chromium`."
        if os.environ.get("IMAGE_PIPELINE_TESTS_NEED_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return Path(found)
