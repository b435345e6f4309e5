"""Payloads as they are read without vectors, in the embedded Qdrant and in a server."""

from collections.abc import Iterator

import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.replaced import VersionReplacedError
from image_pipeline_tests.storage.conftest import VERSION, unit_vector


@pytest.fixture
def collection(any_address: QdrantAddress) -> Iterator[Collection]:
    with any_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        yield collection


def point(path: str, sha256: str, pixels: str | None = None, **payload: object) -> Point:
    return make_point(path, unit_vector(path), {"partition": ".", "sha256": sha256, "pixels": pixels, **payload})


def test_the_payload_of_a_file(collection: Collection) -> None:
    first = point("a.jpg", "1", keywords=["cat"], place={"lat": 1.5, "lon": -2.0})
    list(collection.upsert([first, point("b.jpg", "2")]))
    assert collection.payload("a.jpg") == first.payload
    assert collection.payload("c.jpg") is None


def test_the_payloads_of_all_files(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_pipeline.collection.version_points.SCROLL_PAGE", 7)
    assert list(collection.payloads()) == []
    points = [point(f"{number}.jpg", str(number)) for number in range(20)]
    list(collection.upsert(points))
    found = sorted(collection.payloads(), key=lambda payload: int(payload["sha256"]))
    assert found == [one.payload for one in points]


def test_the_files_with_the_same_picture(collection: Collection) -> None:
    files = [("a", "1", "p"), ("b", "1", None), ("c", "2", "p"), ("d", "3", "q"), ("e", "4", None)]
    list(collection.upsert([point(*one) for one in files]))

    def same(sha256: str | None, pixels: str | None) -> dict[str, str]:
        return {one["path"]: one["sha256"] for one in collection.same_picture(sha256, pixels)}

    assert same("1", "p") == {"a": "1", "b": "1", "c": "2"}
    assert same("1", None) == {"a": "1", "b": "1"}
    assert same(None, "p") == {"a": "1", "c": "2"}
    assert same(None, None) == same("5", "r") == {}


def test_a_version_that_was_replaced_is_told(any_address: QdrantAddress) -> None:
    with any_address.connect("images") as qdrant:
        points = qdrant.points("images--00000000")
        with pytest.raises(VersionReplacedError):
            points.payload("a.jpg")
        with pytest.raises(VersionReplacedError):
            list(points.payloads())
        with pytest.raises(VersionReplacedError):
            list(points.same_picture("1", None))
