"""The demo library, ingested into both kinds of Qdrant, and the API over it."""

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
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.scenes import encoded, scene, write
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
