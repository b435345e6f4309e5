"""The demo library in both kinds of Qdrant, and the API over it; and programs that serve the page."""

import subprocess
import threading
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient

from benchmarks.qdrant_server import QdrantServer
from image_pipeline.demo.library import make_library
from image_pipeline.http_server import Server, listen
from image_pipeline.services.search import Search
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.web.app import create_app
from image_pipeline.web.library import ServedLibrary
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.served import KEY, Served
from image_pipeline_tests.support.served_page import PASSWORD, environment_of
from image_pipeline_tests.support.shell import PROGRAM
from image_pipeline_tests.support.tagged import bag, packet

HOSTILE = "<b onmouseover=alert(1)>\u202e&amp; Anna"


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library is drawn, once a session."""
    root = tmp_path_factory.mktemp("libraries") / "library"
    make_library(root)
    (root / "people").mkdir()
    for number, keyword in enumerate(("Work", "Work/Office")):
        people = bag("Iptc4xmpExt:PersonInImage", "Anna-Lena Berg", escape(HOSTILE))
        xmp = packet(bag("dc:subject", keyword) + people, photoshop_City="Málaga")
        write(root, f"people/IMG_9{number}42.jpg", encoded(scene(64 + number, 48), "JPEG", xmp=xmp))
    return root


@pytest.fixture(scope="session", params=["edge", "server"])
def served(request: pytest.FixtureRequest, libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the ingested library, for each kind of Qdrant."""
    given = {}
    if request.param == "server":
        server: QdrantServer = request.getfixturevalue("qdrant_server")
        given = {"qdrant_url": server.url, "qdrant_grpc_port": server.grpc_port, "collection": "web"}
    pipeline = Pipeline.below(tmp_path_factory.mktemp("web"), library=libraries, models="demo", **given)
    with own_environment():
        pipeline.ingest()
    return pipeline.settings


@pytest.fixture(scope="session")
def library(served: Settings) -> Iterator[ServedLibrary]:
    """The library as a server has it."""
    wiring = Wiring(served)
    with Search(served, wiring.address) as search:
        yield ServedLibrary(wiring, search)


@pytest.fixture(scope="session")
def client(library: ServedLibrary) -> Iterator[TestClient]:
    """A client of the API."""
    with TestClient(create_app(library), base_url="http://test/api/v1") as client:
        yield client


@pytest.fixture(scope="session")
def url(library: ServedLibrary) -> Iterator[str]:
    """The address of the API on a port of this machine."""
    listener = listen(0)
    server = Server(uvicorn.Config(create_app(library), log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
    server.end()
    thread.join()


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A small library that was ingested."""
    directory = tmp_path_factory.mktemp("served")
    pipeline = Pipeline.below(directory)
    draw_scenes(pipeline.root / "trip", 4)
    with own_environment():
        pipeline.ingest()
    return pipeline


@pytest.fixture(scope="session")
def open_page(indexed: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page for everybody on this machine."""
    with Served(tmp_path_factory.mktemp("open"), environment_of(indexed), "serve") as served:
        yield served


@pytest.fixture(scope="session")
def password_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hash of `PASSWORD`."""
    file = tmp_path_factory.mktemp("password") / "hash"
    done = subprocess.run([PROGRAM, "hash-password"], input=f"{PASSWORD}\n", capture_output=True, text=True, check=True)
    file.write_text(done.stdout)
    return file


@pytest.fixture(scope="session")
def guarded_page(indexed: Pipeline, password_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page for those who know the password, or have a key."""
    environment = environment_of(indexed) | {
        "IMAGE_PIPELINE_PAGE_PASSWORD_FILE": str(password_file),
        "IMAGE_PIPELINE_API_KEY": KEY,
        "IMAGE_PIPELINE_PAGE_HOSTS": "photos.example",
    }
    with Served(tmp_path_factory.mktemp("guarded"), environment, "serve", "--host", "0.0.0.0") as served:
        yield served
