"""The collection, in the embedded Qdrant and in a server: the same to whoever uses it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from qdrant_client import QdrantClient, models

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.errors import CollectionError
from image_pipeline_tests.storage.conftest import NEXT_VERSION, VERSION, unit_vector
from image_pipeline_tests.support.raw_qdrant import qdrant_over, raw_client


@pytest.fixture
def client(qdrant_address: QdrantAddress) -> Iterator[QdrantClient]:
    with raw_client(qdrant_address) as client:
        yield client


@pytest.fixture
def qdrant(client: QdrantClient, qdrant_address: QdrantAddress) -> Qdrant:
    return qdrant_over(client, qdrant_address, "images")


@pytest.fixture
def collection(qdrant: Qdrant) -> Collection:
    collection = qdrant.collection(VERSION)
    collection.ensure()
    return collection


def point(path: str, partition: str = "a", **payload: object) -> Point:
    return make_point(path, unit_vector(path), {"partition": partition, "sha256": path, **payload})


def put(collection: Collection, *points: Point) -> list[int]:
    return list(collection.upsert(points))


def test_a_version_is_made_once_and_reached_through_the_alias(
    client: QdrantClient, qdrant: Qdrant, collection: Collection
) -> None:
    put(collection, point("a/1.jpg"))
    collection.ensure()
    assert qdrant.versions() == ["images--0a1b2c3d02"]
    assert qdrant.alias_target() == "images--0a1b2c3d02"
    assert client.count("images", exact=True).count == 1
    info = client.get_collection("images--0a1b2c3d02")
    assert info.config.params.vectors.size == 4
    assert info.config.params.vectors.distance == models.Distance.COSINE
    assert info.config.metadata == {
        "embedding_producer": "open_clip:tiny@1",
        "embedding_model": "org/tiny@1",
        "embedding_dtype": "fp32",
        "layout": "2",
    }


def test_a_version_of_an_earlier_layout_has_the_name_that_earlier_programs_gave_it() -> None:
    assert VERSION.earlier_names == ["images--0a1b2c3d"]
    assert replace(VERSION, layout=1).name == "images--0a1b2c3d"
    assert replace(VERSION, layout=1).earlier_names == []
    assert replace(VERSION, layout=11).name == "images--0a1b2c3d0b"


def test_points_are_written_replaced_counted_and_deleted(collection: Collection) -> None:
    first, second = point("a/1.jpg"), point("a/2.jpg")
    assert put(collection, first, second, point("b/1.jpg", "b")) == [3]
    assert collection.digests(["a", "c"]) == {"a": {first.id: first.digest, second.id: second.digest}, "c": {}}
    changed = point("a/2.jpg", caption="a cat")
    put(collection, changed)
    assert collection.digests(["a"])["a"] == {first.id: first.digest, changed.id: changed.digest}
    assert collection.counts(["a", "b", "c"]) == {"a": 2, "b": 1, "c": 0}
    assert collection.count() == 3
    collection.delete("b", [first.id])
    assert collection.count() == 3, "it is no point of that partition"
    collection.delete("a", [first.id])
    collection.delete("a", [])
    assert collection.digests(["a"])["a"] == {changed.id: changed.digest}
    assert collection.digests(["c"])["c"] == {}


def test_more_points_than_a_batch_or_a_page_holds(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_pipeline.collection.version_points.UPSERT_BATCH", 20)
    monkeypatch.setattr("image_pipeline.collection.version_points.SCROLL_PAGE", 15)
    points = [point(f"a/{n}.jpg") for n in range(45)]
    assert put(collection, *points) == [20, 20, 5]
    assert collection.digests(["a"])["a"] == {one.id: one.digest for one in points}
    collection.delete("a", [one.id for one in points])
    assert collection.count() == 0


@pytest.mark.parametrize("key", ["a", "a#0of2", "a%2Cb", ".", "日本/x y", "a/b"])
def test_partitions_are_told_apart_by_their_whole_key(qdrant: Qdrant, collection: Collection, key: str) -> None:
    others = [other for other in ("a", "a#0of2", "a%2Cb", ".", "日本/x y", "a/b", "A") if other != key]
    put(collection, *(point(f"{other}/1.jpg", other) for other in [key, *others]))
    assert collection.counts([key]) == {key: 1}
    assert qdrant.delete_partition(key) == 1
    assert (collection.counts([key]), collection.count()) == ({key: 0}, len(others))
    assert qdrant.delete_partition(key) == 0


def test_a_file_that_moves_to_another_partition_is_one_point(collection: Collection) -> None:
    put(collection, point("a/1.jpg", "a"))
    put(collection, point("a/1.jpg", "a#1of2"))
    assert (collection.counts(["a", "a#1of2"]), collection.count()) == ({"a": 0, "a#1of2": 1}, 1)


def test_search_goes_on_while_the_next_version_is_built(
    client: QdrantClient, qdrant: Qdrant, collection: Collection
) -> None:
    put(collection, point("a/1.jpg"))
    following = qdrant.collection(NEXT_VERSION)
    following.ensure()
    assert qdrant.alias_target() == VERSION.name
    assert client.count("images", exact=True).count == 1
    put(following, point("a/1.jpg"), point("a/2.jpg"))
    assert client.count("images", exact=True).count == 1
    assert following.point_alias_here() == VERSION.name
    assert following.point_alias_here() == NEXT_VERSION.name
    assert client.count("images", exact=True).count == 2
    assert following.delete_other_versions() == [VERSION.name]
    assert qdrant.versions() == [NEXT_VERSION.name]
    assert client.count("images", exact=True).count == 2


def test_a_partition_is_deleted_from_all_versions(qdrant: Qdrant, collection: Collection) -> None:
    following = qdrant.collection(NEXT_VERSION)
    following.ensure()
    put(collection, point("a/1.jpg"), point("a/2.jpg"))
    put(following, point("a/1.jpg"))
    assert qdrant.delete_partition("a") == 2
    assert (collection.count(), following.count()) == (0, 0)


def test_other_collections_are_left_alone(client: QdrantClient, qdrant: Qdrant, collection: Collection) -> None:
    others = [replace(VERSION, alias=alias) for alias in ("images--old", "images2", "my-images", "images--beef")]
    for other in others:
        theirs = qdrant.collection(other)
        theirs.ensure()
        put(theirs, point("a/1.jpg"))
    config = models.VectorParams(size=2, distance=models.Distance.DOT)
    for name in ("images--by-hand", "images--abc"):
        client.create_collection(name, vectors_config=config)
    assert qdrant.versions() == [VERSION.name]
    assert qdrant.delete_partition("a") == 0
    assert collection.delete_other_versions() == []
    assert client.collection_exists("images--by-hand") and client.collection_exists("images--abc")
    for other in others:
        assert qdrant.collection(other).count() == 1


def test_vectors_of_another_size_are_refused(qdrant: Qdrant, collection: Collection) -> None:
    with pytest.raises(CollectionError, match=r"vectors of 4 numbers, but the model produces 768.*IMAGE_PIPELINE_COLL"):
        qdrant.collection(replace(VERSION, dimension=768)).ensure()


def test_a_name_that_is_a_foreign_collections_is_refused(client: QdrantClient, qdrant: Qdrant) -> None:
    config = models.VectorParams(size=4, distance=models.Distance.COSINE)
    client.create_collection("images", vectors_config=config)
    with pytest.raises(CollectionError, match=r"'images' that this pipeline did not make.*a different name"):
        qdrant.collection(VERSION).ensure()
    assert [one.name for one in client.get_collections().collections] == ["images"]


def test_a_foreign_collection_of_a_versions_name_is_not_written(client: QdrantClient, qdrant: Qdrant) -> None:
    config = models.VectorParams(size=4, distance=models.Distance.COSINE)
    client.create_collection(VERSION.name, vectors_config=config)
    with pytest.raises(CollectionError, match=rf"'{VERSION.name}' that this pipeline did not make.*a different name"):
        qdrant.collection(VERSION).ensure()
    assert qdrant.versions() == []


def test_an_alias_of_a_foreign_collection_is_not_taken_away(client: QdrantClient, qdrant: Qdrant) -> None:
    config = models.VectorParams(size=4, distance=models.Distance.COSINE)
    client.create_collection("theirs", vectors_config=config)
    create = models.CreateAlias(collection_name="theirs", alias_name="images")
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])
    with pytest.raises(CollectionError, match="did not make"):
        qdrant.collection(VERSION).ensure()
    assert qdrant.alias_target() == "theirs"


INDEXES = {
    "directory": models.PayloadSchemaType.KEYWORD,
    "partition": models.PayloadSchemaType.KEYWORD,
    "sha256": models.PayloadSchemaType.KEYWORD,
    "pixels": models.PayloadSchemaType.KEYWORD,
    "camera_make": models.PayloadSchemaType.KEYWORD,
    "lens": models.PayloadSchemaType.KEYWORD,
    "city": models.PayloadSchemaType.KEYWORD,
    "state": models.PayloadSchemaType.KEYWORD,
    "country": models.PayloadSchemaType.KEYWORD,
    "keywords": models.PayloadSchemaType.KEYWORD,
    "people": models.PayloadSchemaType.KEYWORD,
    "taken_local": models.PayloadSchemaType.DATETIME,
    "taken_local_end": models.PayloadSchemaType.DATETIME,
    "camera": models.PayloadSchemaType.KEYWORD,
    "format": models.PayloadSchemaType.KEYWORD,
    "iso": models.PayloadSchemaType.INTEGER,
    "rating": models.PayloadSchemaType.INTEGER,
    "taken_year": models.PayloadSchemaType.INTEGER,
    "taken_day": models.PayloadSchemaType.INTEGER,
    **{f"map_cell_{zoom}": models.PayloadSchemaType.INTEGER for zoom in (6, 11, 16)},
    "caption": models.PayloadSchemaType.TEXT,
    "taken_at": models.PayloadSchemaType.DATETIME,
    "place": models.PayloadSchemaType.GEO,
}


def test_a_server_has_all_payload_indexes(server_address: QdrantAddress) -> None:
    with raw_client(server_address) as client:
        collection = qdrant_over(client, server_address, "images").collection(VERSION)
        collection.ensure()
        schema = client.get_collection(VERSION.name).payload_schema
        assert {name: index.data_type for name, index in schema.items()} == INDEXES
        # as where a run was killed between the collection and its indexes
        client.delete_payload_index(VERSION.name, "partition")
        collection.ensure()
        schema = client.get_collection(VERSION.name).payload_schema
        assert {name: index.data_type for name, index in schema.items()} == INDEXES
