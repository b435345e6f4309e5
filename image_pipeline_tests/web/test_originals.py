"""Originals over HTTP: whole and in part, under safe names, and never anything that a browser would execute."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from image_pipeline.collection.points import point_id
from image_pipeline.files.names import to_text
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.raw_http import ask
from image_pipeline_tests.support.scenes import encoded, photograph
from image_pipeline_tests.support.served import Served
from image_pipeline_tests.support.served_page import environment_of

NAMES = (
    "<img src=x onerror=alert(1)>.jpg",
    'a"; filename="b.exe.jpg',
    "a\r\nSet-Cookie: x=1.jpg",
    "javascript:alert(1).jpg",
    "%2e%2e%2fa.jpg",
    "caf\udce9.jpg",
    "{{7*7}}${x}.jpg",
    "gpj\u202e.jpg",
)
"""Names that are markup, headers, addresses, templates, or no text."""


@pytest.fixture(scope="module", params=["embedded", "server"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pipeline, Served]]:
    """A hostile library, ingested, and the page of it."""
    directory = tmp_path_factory.mktemp("originals")
    given = {}
    if request.param == "server":
        server = request.getfixturevalue("qdrant_server")
        given = {"qdrant_url": server.url, "qdrant_grpc_port": server.grpc_port, "collection": "originals"}
    pipeline = Pipeline.below(directory, **given)
    root = pipeline.root
    for number, name in enumerate(NAMES):
        (root / name).write_bytes(encoded(photograph(64 + number, 48), "JPEG"))
    (root / "trip").mkdir()
    (root / "trip" / "a.png").write_bytes(encoded(photograph(300, 200), "PNG"))
    (root / "page.jpg").write_bytes(encoded(photograph(64, 40), "TIFF") + b"<script>alert(1)</script>")
    (root / "large.png").write_bytes(encoded(Image.effect_noise((3000, 2000), 90), "PNG"))
    with own_environment():
        pipeline.ingest()
    with Served(directory, environment_of(pipeline), "serve") as served:
        yield pipeline, served


def address(path: str) -> str:
    return f"/api/v1/originals/{point_id(path)}"


def test_a_photograph_is_sent_unchanged_and_shown_in_a_sandbox(page: tuple[Pipeline, Served]) -> None:
    pipeline, served = page
    answer = served.get(address("trip/a.png"))
    assert answer.content == (pipeline.root / "trip" / "a.png").read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'inline; filename="a.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_only_text(page: tuple[Pipeline, Served], name: str) -> None:
    pipeline, served = page
    answer = ask(served.port, address(to_text(name)))
    assert answer.status == 200
    assert answer.body == (pipeline.root / name).read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"].startswith('inline; filename="')


def test_a_format_that_no_browser_shows_is_stored_whatever_its_name(page: tuple[Pipeline, Served]) -> None:
    answer = page[1].get(address("page.jpg"))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="page.jpg"'


def test_a_page_that_was_put_in_place_of_a_photograph_is_not_shown(page: tuple[Pipeline, Served]) -> None:
    pipeline, served = page
    name = NAMES[0]
    before = (pipeline.root / name).read_bytes()
    for content in (b"<!doctype html><script>alert(1)</script>", b'<svg xmlns="http://www.w3.org/2000/svg"/>', b""):
        (pipeline.root / name).write_bytes(content)
        answer = ask(served.port, address(to_text(name)))
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.body == content
    (pipeline.root / name).write_bytes(before)


def test_a_part_is_sent_if_the_file_is_still_the_same(page: tuple[Pipeline, Served]) -> None:
    pipeline, served = page
    content = (pipeline.root / "trip" / "a.png").read_bytes()
    where = address("trip/a.png")
    part = served.get(where, range="bytes=10-19")
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert served.get(where, range="bytes=-7").content == content[-7:]
    assert served.get(where, range="bytes=0-0", if_range=part.headers["etag"]).status_code == 206
    for other in ('"another"', f"W/{part.headers['etag']}", "Sat, 28 Nov 2026 06:00:00 GMT"):
        whole = served.get(where, range="bytes=0-0", if_range=other)
        assert (whole.status_code, whole.content) == (200, content)
    assert served.get(where, range="bytes=0-1,5-6").content == content
    outside = served.get(where, range=f"bytes={len(content)}-")
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{len(content)}"
    assert served.get(where, if_none_match=part.headers["etag"]).status_code == 304


def test_a_head_tells_the_size_without_the_file(page: tuple[Pipeline, Served]) -> None:
    pipeline, served = page
    answer = ask(served.port, address("trip/a.png"), "HEAD")
    size = (pipeline.root / "trip" / "a.png").stat().st_size
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, str(size), b"")
    part = ask(served.port, address("trip/a.png"), "HEAD", Range="bytes=5-")
    assert (part.status, part.headers["content-length"], part.body) == (206, str(size - 5), b"")


@pytest.mark.parametrize(
    "identity",
    [
        *("x", "..", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "%00", "trip%2fa.png", "trip/a.png", "1"),
        *("00000000-0000-0000-0000-000000000000", "%252e%252e%252f", "caf%e9.jpg", ""),
    ],
)
def test_only_ids_of_photographs_name_files(page: tuple[Pipeline, Served], identity: str) -> None:
    answer = ask(page[1].port, f"/api/v1/originals/{identity}")
    assert answer.status in (400, 404, 422)
    assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "replaced", ["a link", "a folder that is a link", "a FIFO", "a folder", "nothing", "unreadable"]
)
def test_what_takes_the_place_of_a_photograph_is_not_sent(
    page: tuple[Pipeline, Served], tmp_path: Path, replaced: str
) -> None:
    pipeline, served = page
    original, aside = pipeline.root / "trip", pipeline.root / "aside"
    original.rename(aside)
    (tmp_path / "a.png").write_text("a secret beside the library")
    if replaced == "a folder that is a link":
        original.symlink_to(tmp_path)
    else:
        original.mkdir()
        place = original / "a.png"
        if replaced == "a link":
            place.symlink_to(tmp_path / "a.png")
        elif replaced == "a FIFO":
            os.mkfifo(place)
        elif replaced == "a folder":
            place.mkdir()
        elif replaced == "unreadable" and os.geteuid() != 0:
            place.write_text("secret")
            place.chmod(0)
    try:
        began = time.monotonic()
        answer = served.get(address("trip/a.png"))
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "no_original"
        assert b"secret" not in answer.content
        assert time.monotonic() - began < 5, "nobody waits for the other end of a FIFO"
    finally:
        original.rename(tmp_path / "replaced") if not original.is_symlink() else original.unlink()
        aside.rename(original)


@pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced"])
def test_a_file_that_changes_while_it_is_sent_is_never_mixed(page: tuple[Pipeline, Served], change: str) -> None:
    pipeline, served = page
    file = pipeline.root / "large.png"
    content = file.read_bytes()
    assert len(content) > 4 << 20
    with socket.create_connection(("127.0.0.1", served.port), 30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        head = f"GET {address('large.png')} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        received = connection.recv(1 << 12)
        time.sleep(0.5)  # until the buffers on the way are full
        if change == "grows":
            with file.open("ab") as opened:
                opened.write(b"more")
        elif change == "shrinks":
            os.truncate(file, 1000)
        else:
            (pipeline.root / "new.png").write_bytes(bytes(len(content)))
            (pipeline.root / "new.png").rename(file)
        while block := connection.recv(1 << 20):
            received += block
    body = received.partition(b"\r\n\r\n")[2]
    file.write_bytes(content)
    assert content.startswith(body), "what was sent is of one file"
    if change == "is replaced":
        assert body == content, "the file that was open is still whole"
    else:
        assert len(body) < len(content)
        assert "an answer ends early" in served.log
    assert served.get("/health").status_code == 200


def test_an_unmounted_library_is_said(page: tuple[Pipeline, Served], tmp_path: Path) -> None:
    pipeline, served = page
    pipeline.root.rename(tmp_path / "library")
    try:
        answer = served.get(address("trip/a.png"))
        assert answer.status_code == 503
        assert "library" in answer.json()["error"]["message"]
    finally:
        (tmp_path / "library").rename(pipeline.root)
