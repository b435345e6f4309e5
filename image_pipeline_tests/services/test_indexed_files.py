"""The files of the collection, found by id and by content, and opened without ever leaving the library."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import KeptAddress, KeptConnection
from image_pipeline.collection.points import Point, point_id
from image_pipeline.files.names import to_text
from image_pipeline.services.indexed_files import IndexedFiles
from image_pipeline_tests.support.raw_qdrant import open_engine

VERSION, ALIAS = "images--0123", "images"
SECRET = "a secret beside the library"
SHA256 = "ab" * 32
OTHER = "cd" * 32


@pytest.fixture(params=["edge", "server"])
def address(request: pytest.FixtureRequest) -> QdrantAddress:
    found: QdrantAddress = request.getfixturevalue(f"{request.param}_address")
    return found


def fill(address: QdrantAddress, contents: dict[str, str]) -> None:
    """Points of these paths, each with its sha256."""
    points = [
        Point(point_id(path), [1.0, 0.0], {"path": path, "sha256": sha256, "partition": "."})
        for path, sha256 in contents.items()
    ]
    with open_engine(address) as engine:
        engine.create(VERSION, 2, {})
        engine.create_indexes(VERSION, {"sha256": "keyword", "pixels": "keyword"})
        engine.upsert(VERSION, points)
        engine.set_alias(ALIAS, VERSION)


@pytest.fixture
def files(address: QdrantAddress, library: Path) -> Iterator[IndexedFiles]:
    connection = KeptConnection(address, ALIAS)
    yield IndexedFiles(KeptAddress(address, connection), ALIAS, lambda: library)
    connection.close()


def text(files: IndexedFiles, path: str) -> str | None:
    """What is read of the file of this path, by way of its id."""
    found = files.path(point_id(path))
    assert found == path
    opened = files.open(found)
    if opened is None:
        return None
    with opened:
        return opened.read().decode()


def test_a_file_is_found_by_its_id_and_by_its_content(
    files: IndexedFiles, address: QdrantAddress, library: Path
) -> None:
    name = "caf\udce9/\n<script>.jpg"
    (library / "caf\udce9").mkdir()
    (library / name).write_text("content")
    (library / "copy.jpg").write_text("content")
    fill(address, {to_text(name): SHA256, "copy.jpg": SHA256, "gone.jpg": SHA256, "other.jpg": OTHER})
    assert text(files, to_text(name)) == "content"
    assert text(files, "gone.jpg") is None
    assert sorted(file.path for file in files.with_content(SHA256)) == [name, "copy.jpg"]
    assert files.with_content("ef" * 32) == []


@pytest.mark.parametrize("identity", ["", "x", "../a", "00000000-0000-0000-0000-000000000000", "1", "a" * 10_000])
def test_what_is_no_id_finds_nothing(files: IndexedFiles, address: QdrantAddress, identity: str) -> None:
    fill(address, {"a.jpg": SHA256})
    assert files.path(identity) is None


def test_without_a_collection_nothing_is_found(files: IndexedFiles) -> None:
    assert files.path(point_id("a.jpg")) is None
    assert files.with_content(SHA256) == []


@pytest.mark.parametrize(
    "path",
    [
        *("../secret.txt", "trip/../../secret.txt", "/etc/passwd", "//etc/passwd", "./a.jpg", "trip//a.jpg", "trip/"),
        *("", ".", "..", "%2e%2e/secret.txt", "..\\secret.txt", "\uf7ae\uf7ae/secret.txt", "a\0.jpg"),
    ],
)
def test_a_path_that_others_wrote_into_the_collection_leads_nowhere(
    files: IndexedFiles, address: QdrantAddress, library: Path, path: str
) -> None:
    (library / "trip").mkdir()
    (library / "trip" / "a.jpg").write_text("content")
    (library / "a.jpg").write_text("content")
    secret = library.parent / "secret.txt"
    secret.write_text(SECRET)
    try:
        fill(address, {path: SHA256})
        assert text(files, path) is None
        assert files.with_content(SHA256) == []
    finally:
        secret.unlink()


def test_links_and_what_is_no_file_are_not_opened(
    files: IndexedFiles, address: QdrantAddress, library: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_text(SECRET)
    (library / "link.jpg").symlink_to(tmp_path / "a.jpg")
    (library / "trip").symlink_to(tmp_path)
    (library / "inside.jpg").symlink_to("real.jpg")
    (library / "real.jpg").write_text("content")
    os.mkfifo(library / "pipe.jpg")
    (library / "folder.jpg").mkdir()
    paths = ["link.jpg", "trip/a.jpg", "inside.jpg", "pipe.jpg", "folder.jpg"]
    fill(address, dict.fromkeys(paths, SHA256))
    assert [text(files, path) for path in paths] == [None] * 5
    assert files.with_content(SHA256) == []


def test_a_file_or_folder_that_becomes_a_link_meanwhile_is_not_opened(
    files: IndexedFiles, address: QdrantAddress, library: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_text(SECRET)
    (library / "trip").mkdir()
    (library / "trip" / "a.jpg").write_text("content")
    (library / "b.jpg").write_text("content")
    fill(address, {"trip/a.jpg": SHA256, "b.jpg": OTHER})
    below, beside = (files.path(point_id(path)) for path in ("trip/a.jpg", "b.jpg"))
    assert below is not None and beside is not None
    (library / "trip").rename(library / "before")
    (library / "trip").symlink_to(tmp_path)
    (library / "b.jpg").unlink()
    (library / "b.jpg").symlink_to(tmp_path / "a.jpg")
    assert files.open(below) is None
    assert files.open(beside) is None


def test_a_kept_connection_gives_way(files: IndexedFiles, address: QdrantAddress) -> None:
    fill(address, {"a.jpg": SHA256})
    assert files.path(point_id("a.jpg")) == "a.jpg"
    with open_engine(address) as engine:
        engine.upsert(VERSION, [Point(point_id("b.jpg"), [1.0, 0.0], {"path": "b.jpg", "sha256": OTHER})])
    assert files.path(point_id("b.jpg")) == "b.jpg"
