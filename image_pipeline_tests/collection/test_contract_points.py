"""Points of a version, as every kind of Qdrant must keep them: compared with a model in plain Python."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.points import Point, PointRecord, difference, make_point
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline_tests.collection.oracle import Oracle
from image_pipeline_tests.collection.population import PARTITIONS, many_points
from image_pipeline_tests.storage.conftest import VERSION, unit_vector

POINTS = many_points(40, seed=2)
KEYS = [*PARTITIONS, "never"]


@pytest.fixture
def qdrant(any_address: QdrantAddress) -> Iterator[Qdrant]:
    with any_address.connect("images") as qdrant:
        yield qdrant


@pytest.fixture
def collection(qdrant: Qdrant) -> Collection:
    collection = qdrant.collection(VERSION)
    collection.ensure()
    return collection


def put(collection: Collection, *points: Point) -> None:
    list(collection.upsert(points))


def photo(path: str, partition: str = "a", **payload: object) -> Point:
    return make_point(path, unit_vector(path), {"partition": partition, "sha256": path, **payload})


def assert_holds(collection: Collection, oracle: Oracle) -> None:
    assert collection.count() == len(oracle.points)
    assert collection.counts(KEYS) == {key: len(oracle.of(key)) for key in KEYS}
    assert collection.digests(KEYS) == oracle.digests(KEYS)


a_point = st.sampled_from(POINTS)
moved = st.builds(
    lambda point, key: make_point(point.payload["path"], point.vector, {**point.payload, "partition": key}),
    a_point,
    st.sampled_from(PARTITIONS),
)
changes = st.lists(
    st.tuples(st.just("upsert"), st.lists(a_point | moved, max_size=12))
    | st.tuples(st.just("delete"), st.lists(a_point, max_size=12))
    | st.tuples(st.just("delete in partition"), st.tuples(st.sampled_from(KEYS), st.lists(a_point, max_size=12)))
    | st.tuples(st.just("delete partition"), st.sampled_from(KEYS))
    | st.tuples(st.just("reconcile"), st.tuples(st.sampled_from(PARTITIONS), st.lists(a_point, max_size=12))),
    max_size=6,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(sequence=changes)
def test_changes_leave_what_they_leave_in_a_dictionary(collection: Collection, sequence: list[tuple]) -> None:
    collection.delete_points([point.id for point in POINTS])
    oracle = Oracle()
    for change, given_ in sequence:
        if change == "upsert":
            put(collection, *given_)
            oracle.upsert(given_)
        elif change == "delete":
            collection.delete_points([point.id for point in given_])
            oracle.delete([point.id for point in given_])
        elif change == "delete in partition":
            key, points = given_
            collection.delete(key, [point.id for point in points])
            oracle.delete([point.id for point in points], key)
        elif change == "delete partition":
            collection.delete_partition(given_)
            oracle.delete([point.id for point in oracle.of(given_)])
        else:
            key, points = given_
            wanted = [
                make_point(point.payload["path"], point.vector, {**point.payload, "partition": key}) for point in points
            ]
            change_ = difference(collection.digests([key])[key], list({point.id: point for point in wanted}.values()))
            put(collection, *change_.upserts)
            collection.delete(key, change_.deletions)
            oracle.delete([point.id for point in oracle.of(key)])
            oracle.upsert(wanted)
            assert set(collection.digests([key])[key]) == {point.id for point in wanted}
        assert_holds(collection, oracle)


def test_a_point_comes_back_as_it_was_written(collection: Collection) -> None:
    everything = {
        "caption": 'quotes " and \\ and \n, ünï, 日本, \U0001f600',
        "keywords": ["b", "a", "a"],
        "people": [],
        "iso": 2**53,
        "rating": -1,
        "exposure_s": 1 / 3,
        "f_number": 4.0,
        "altitude_m": -12.5,
        "place": {"lat": -89.999999, "lon": 179.999999},
        "taken_at": "2021-07-03T10:11:12.123456+02:00",
        "title": "",
    }
    points = [photo("a/1.jpg", **everything), *POINTS]
    put(collection, *points)
    held = {record.id: record for record in collection.scroll(["a", *PARTITIONS])}
    assert held.keys() == {point.id for point in points}
    for point in points:
        record = held[point.id]
        assert (record.path, record.partition_key) == (point.payload["path"], point.payload["partition"])
        assert record.digest == point.digest, "the digest of the payload that was read"
        assert record.vector is not None and record.vector.dtype == np.float32
        assert np.linalg.norm(record.vector - np.array(point.vector)) <= collection.rounding <= 1e-3


def test_tidying_up_changes_no_points(collection: Collection) -> None:
    put(collection, *POINTS)
    before = collection.digests(KEYS)
    collection.tidy()
    assert collection.digests(KEYS) == before


def test_pages_and_batches_lose_nothing(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_pipeline.collection.version_points.UPSERT_BATCH", 20)
    monkeypatch.setattr("image_pipeline.collection.version_points.SCROLL_PAGE", 15)
    points = [photo(f"a/{n}.jpg") for n in range(45)]
    assert list(collection.upsert(points)) == [20, 20, 5]
    put(collection, photo("b/1.jpg", "b"))
    assert collection.digests(["a"]) == Oracle(points).digests(["a"])
    assert sorted(str(record.path) for record in collection.stray_points(["b"])) == sorted(
        str(point.payload["path"]) for point in points
    )
    collection.delete("a", [point.id for point in points])
    assert collection.count() == 1


def test_a_point_is_replaced_as_a_whole(collection: Collection) -> None:
    put(collection, photo("a/1.jpg", caption="a cat", camera_model="X100"))
    put(collection, photo("a/1.jpg", "b"))
    (record,) = collection.scroll(["a", "b"])
    assert (record.partition_key, record.digest) == ("b", photo("a/1.jpg", "b").digest)


def test_a_point_of_no_partition_that_is_asked_for_is_a_stray(collection: Collection) -> None:
    put(collection, photo("a/1.jpg", "a"), photo("b/1.jpg", "b"))
    stray = photo("b/1.jpg", "b")
    assert list(collection.stray_points(["a"])) == [PointRecord(stray.id, "b/1.jpg", "b")]
    assert list(collection.stray_points(["a", "b"])) == []
    assert list(collection.scroll(["never"])) == []


def test_an_outdated_point_is_written_again(collection: Collection) -> None:
    first, second = photo("a/1.jpg"), photo("a/2.jpg")
    put(collection, first, second)
    collection.mark_outdated([first.id])
    assert collection.digests(["a"])["a"] == {first.id: "", second.id: second.digest}
    assert {record.id: record.digest for record in collection.scroll(["a"])} == {
        first.id: None,
        second.id: second.digest,
    }
    change = difference(collection.digests(["a"])["a"], [first, second])
    assert (change.upserts, change.deletions) == ([first], [])
    collection.mark_outdated([])


def test_a_point_that_is_gone_can_be_marked_and_deleted(collection: Collection) -> None:
    first, gone = photo("a/1.jpg"), photo("a/gone.jpg")
    put(collection, first)
    collection.mark_outdated([gone.id, first.id])
    collection.delete_points([gone.id])
    collection.delete("a", [gone.id])
    assert collection.digests(["a"])["a"] == {first.id: ""}


def test_points_outlast_the_connection(any_address: QdrantAddress) -> None:
    oracle = Oracle(POINTS)
    with any_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        put(collection, *POINTS)
        collection.delete_points([POINTS[0].id])
        oracle.delete([POINTS[0].id])
    with any_address.connect("images") as qdrant:
        assert qdrant.alias_target() == VERSION.name
        assert_holds(qdrant.collection(VERSION), oracle)
