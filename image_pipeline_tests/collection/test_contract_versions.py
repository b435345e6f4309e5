"""Versions of the collection and its alias, as every kind of Qdrant must keep them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.ownership import own_collection, own_versions
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.qdrant import Qdrant, SearchedVersion
from image_pipeline.collection.replaced import VersionReplacedError
from image_pipeline.errors import CollectionError
from image_pipeline.settings import DType
from image_pipeline_tests.storage.conftest import NEXT_VERSION, VERSION, unit_vector


@pytest.fixture
def qdrant(any_address: QdrantAddress) -> Iterator[Qdrant]:
    with any_address.connect("images") as qdrant:
        yield qdrant


def photo(path: str, partition: str = "a") -> Point:
    return make_point(path, unit_vector(path), {"partition": partition, "sha256": path})


def test_nothing_is_there_before_the_first_version(any_address: QdrantAddress) -> None:
    with any_address.connect("images") as qdrant:
        assert (qdrant.versions(), qdrant.alias_target()) == ([], None)
        assert not qdrant.collection(VERSION).exists
        with pytest.raises(CollectionError, match="no collection 'images' in Qdrant yet"):
            qdrant.searched_version()
    assert any_address.versions("images") == []


def test_a_version_is_made_once(qdrant: Qdrant, any_address: QdrantAddress) -> None:
    collection = qdrant.collection(VERSION)
    assert collection.check() is None
    collection.ensure()
    list(collection.upsert([photo("a/1.jpg")]))
    collection.ensure()
    assert collection.exists and collection.count() == 1
    assert collection.check() == VERSION.name
    assert (qdrant.versions(), qdrant.alias_target()) == ([VERSION.name], VERSION.name)
    assert qdrant.metadata(VERSION.name) == {
        "embedding_producer": "open_clip:tiny@1",
        "embedding_model": "org/tiny@1",
        "embedding_dtype": "fp32",
        "layout": "2",
    }
    assert qdrant.searched_version() == SearchedVersion(VERSION.name, "open_clip:tiny@1", "org/tiny@1", DType.FP32)
    assert any_address.versions("images") == [VERSION.name]
    assert any_address.versions("image") == []
    assert any_address.exists


def test_the_alias_flips_and_the_version_before_is_deleted(qdrant: Qdrant) -> None:
    old, new = qdrant.collection(VERSION), qdrant.collection(NEXT_VERSION)
    old.ensure()
    list(old.upsert([photo("a/1.jpg")]))
    new.ensure()
    assert qdrant.alias_target() == VERSION.name, "searches use the version before until the flip"
    list(new.upsert([photo("a/1.jpg"), photo("a/2.jpg")]))
    assert (old.count(), new.count()) == (1, 2)
    assert new.point_alias_here() == VERSION.name
    assert new.point_alias_here() == NEXT_VERSION.name
    assert new.delete_other_versions() == [VERSION.name]
    assert (qdrant.versions(), qdrant.alias_target(), new.count()) == ([NEXT_VERSION.name], NEXT_VERSION.name, 2)
    assert not old.exists
    with pytest.raises(VersionReplacedError):
        qdrant.points(VERSION.name).nearest([1.0, 0.0, 0.0, 0.0], 5)
    old.ensure()
    assert (old.count(), qdrant.alias_target()) == (0, NEXT_VERSION.name), "a version made again starts empty"


def test_versions_and_their_metadata_outlast_the_connection(any_address: QdrantAddress) -> None:
    with any_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
        qdrant.collection(NEXT_VERSION).ensure()
        qdrant.set_metadata(VERSION.name, "library", "/photos/日本")
        qdrant.point_alias(NEXT_VERSION.name)
    with any_address.connect("images") as qdrant:
        assert sorted(qdrant.versions()) == sorted([VERSION.name, NEXT_VERSION.name])
        assert qdrant.alias_target() == NEXT_VERSION.name
        assert qdrant.metadata(VERSION.name)["library"] == "/photos/日本"
        assert qdrant.metadata(VERSION.name)["embedding_producer"] == VERSION.producer
        assert "library" not in qdrant.metadata(NEXT_VERSION.name)


def test_deleting_the_searched_version_deletes_the_alias(qdrant: Qdrant) -> None:
    qdrant.collection(VERSION).ensure()
    qdrant.collection(NEXT_VERSION).ensure()
    qdrant.delete_versions([NEXT_VERSION.name])
    assert (qdrant.versions(), qdrant.alias_target()) == ([VERSION.name], VERSION.name)
    qdrant.delete_versions([VERSION.name])
    assert (qdrant.versions(), qdrant.alias_target()) == ([], None)


def test_collections_are_told_apart_by_their_alias(qdrant: Qdrant) -> None:
    qdrant.collection(VERSION).ensure()
    others = [replace(VERSION, alias=alias) for alias in ("images--old", "images2", "my-images", "images--beef")]
    for other in others:
        theirs = qdrant.collection(other)
        theirs.ensure()
        list(theirs.upsert([photo("a/1.jpg")]))
    assert qdrant.versions() == [VERSION.name]
    assert qdrant.delete_partition("a") == 0
    assert qdrant.collection(VERSION).delete_other_versions() == []
    assert [qdrant.collection(other).count() for other in others] == [1, 1, 1, 1]


def test_vectors_of_another_size_are_refused(qdrant: Qdrant) -> None:
    qdrant.collection(VERSION).ensure()
    with pytest.raises(CollectionError, match=r"vectors of 4 numbers, but the model produces 768"):
        qdrant.collection(replace(VERSION, dimension=768)).ensure()


@pytest.mark.parametrize("key", ["a", "a#0of2", "a%2Cb", ".", "日本/x y", "a/b"])
def test_a_partition_is_deleted_from_all_versions(qdrant: Qdrant, key: str) -> None:
    others = [other for other in ("a", "a#0of2", "a%2Cb", ".", "日本/x y", "a/b", "A") if other != key]
    old, new = qdrant.collection(VERSION), qdrant.collection(NEXT_VERSION)
    old.ensure()
    new.ensure()
    list(old.upsert([photo(f"{one}/1.jpg", one) for one in [key, *others]]))
    list(new.upsert([photo(f"{key}/1.jpg", key), photo(f"{key}/2.jpg", key)]))
    assert qdrant.delete_partition(key) == 1
    assert (old.counts([key]), old.count(), new.count()) == ({key: 0}, len(others), 0)
    assert qdrant.delete_partition(key) == 0


def test_a_collection_belongs_to_one_library(qdrant: Qdrant, tmp_path: Path) -> None:
    qdrant.collection(VERSION).ensure()
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    assert own_versions(qdrant, [mine], []) == {VERSION.name: False}
    assert own_versions(qdrant, [mine], [VERSION.name]) == {VERSION.name: True}
    own_collection(qdrant, [mine])
    assert own_versions(qdrant, [mine], []) == {VERSION.name: True}
    with pytest.raises(CollectionError, match="holds the library"):
        own_collection(qdrant, [theirs])
    own_collection(qdrant, [theirs, mine])
    assert own_versions(qdrant, [theirs], []) == {VERSION.name: True}


def test_a_version_that_does_not_exist_is_told_apart_from_other_trouble(qdrant: Qdrant) -> None:
    qdrant.collection(VERSION).ensure()
    with pytest.raises(VersionReplacedError, match="was replaced"):
        qdrant.points("images--ffee0011").nearest([1.0, 0.0, 0.0, 0.0], 5)
    with pytest.raises(Exception) as told:  # as each kind of Qdrant says it
        qdrant.points(VERSION.name).nearest([1.0] * 7, 5)
    assert not isinstance(told.value, VersionReplacedError)
