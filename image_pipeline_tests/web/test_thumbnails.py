"""Thumbnails over HTTP: from the store, and larger ones made of the original."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from image_pipeline.storage.store import Store
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.raw_http import ask
from image_pipeline_tests.support.scenes import encoded, exif, photograph
from image_pipeline_tests.support.served import Served
from image_pipeline_tests.support.served_page import environment_of


@pytest.fixture(scope="module")
def sha256(indexed: Pipeline) -> str:
    """A picture of the library."""
    return str(indexed.points()["trip/a0.jpg"]["sha256"])


def size_of(body: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(body)) as image:
        assert image.format == "WEBP"
        return image.size


def test_the_stores_own_is_sent_as_it_is_and_may_be_kept_for_ever(
    open_page: Served, indexed: Pipeline, sha256: str
) -> None:
    answer = open_page.get(f"/api/v1/thumbnails/{sha256}")
    assert answer.content == Store(indexed.settings.home).thumbnail_file(sha256).read_bytes()
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["etag"] == f'"{sha256}-store"'
    assert open_page.get(f"/api/v1/thumbnails/{sha256}?size=store").content == answer.content


def test_what_a_browser_has_is_not_sent_again(open_page: Served, sha256: str) -> None:
    address = f"/api/v1/thumbnails/{sha256}"
    for known in (f'"{sha256}-store"', f'W/"x", "{sha256}-store"', "*"):
        answer = open_page.get(address, if_none_match=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == f'"{sha256}-store"'
    assert open_page.get(f"{address}?size=1024", if_none_match=f'"{sha256}-store"').status_code == 200


def test_a_head_is_answered_without_the_picture(open_page: Served, sha256: str) -> None:
    answer = ask(open_page.port, f"/api/v1/thumbnails/{sha256}", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


@pytest.mark.parametrize(
    "name", ["x", "A" * 64, "0" * 63, "0" * 65, "..%2f..%2fledger.sqlite", "%00" * 64, "0" * 64 + "%2e%2e"]
)
def test_what_is_no_sha256_names_nothing(open_page: Served, name: str) -> None:
    assert ask(open_page.port, f"/api/v1/thumbnails/{name}").status in (400, 404, 422)


def test_an_unknown_picture_is_not_found_in_any_size(open_page: Served, sha256: str) -> None:
    for query in ("", "?size=1024"):
        answer = open_page.get(f"/api/v1/thumbnails/{'0' * 64}{query}")
        assert answer.status_code == 404
        assert answer.json()["error"]["message"]
    assert open_page.get(f"/api/v1/thumbnails/{sha256}?size=9999999").status_code == 422


@pytest.mark.parametrize("kind", ["embedded", "server"])
def test_a_large_one_is_made_upright_once_and_kept(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("large")
    given = {}
    if kind == "server":
        server = request.getfixturevalue("qdrant_server")
        given = {"qdrant_url": server.url, "qdrant_grpc_port": server.grpc_port, "collection": "large"}
    pipeline = Pipeline.below(directory, **given)
    (pipeline.root / "a.jpg").write_bytes(encoded(photograph(2400, 1600), "JPEG", exif=exif(orientation=6)))
    with own_environment():
        pipeline.ingest()
    sha256 = str(pipeline.points()["a.jpg"]["sha256"])
    with Served(directory, environment_of(pipeline), "serve") as served:
        address = f"/api/v1/thumbnails/{sha256}?size=1024"
        with ThreadPoolExecutor(8) as callers:
            answers = list(callers.map(lambda _: served.get(address), range(8)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert size_of(answers[0].content) == (683, 1024)
        assert size_of(served.get(f"/api/v1/thumbnails/{sha256}").content) == (213, 320)
        file = Store(pipeline.settings.home).large_thumbnail_file(sha256)
        assert file.stat().st_mode & 0o777 == 0o600
        (pipeline.root / "a.jpg").unlink()
        assert served.get(address).content == answers[0].content
        file.unlink()
        gone = served.get(address)
        assert gone.status_code == 404
        assert gone.json()["error"]["code"] == "no_original"
