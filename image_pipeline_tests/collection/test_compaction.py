"""Compaction of a shard of Qdrant Edge: when it is done, what stays the same, and what it leaves behind."""

import numpy as np
import pytest
import qdrant_edge as qe

from image_pipeline.collection.edge import compaction, copier
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.edge.catalog import Entry, read_catalog, write_catalog
from image_pipeline.collection.edge.copies import CopyNote
from image_pipeline.collection.edge.shards import index_params, load_shard, places
from image_pipeline.collection.points import Point, PointRecord
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.typed_words import TypedWords
from image_pipeline.collection.where import ANYWHERE
from image_pipeline.schema.column import Index
from image_pipeline_tests.collection.population import PARTITIONS, WORDS, many_points
from image_pipeline_tests.storage.conftest import VERSION


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few points are many."""
    monkeypatch.setattr(compaction, "DEAD_PLACES", 50)
    monkeypatch.setattr(compaction, "LONG_POINTS", 100)
    monkeypatch.setattr(compaction, "TURBO_BEYOND", 1000)


def fill(qdrant: Qdrant, points: list[Point]) -> None:
    collection = qdrant.collection(VERSION)
    collection.ensure()
    list(collection.upsert(points))


def held(qdrant: Qdrant) -> dict[str, PointRecord]:
    return {str(point.id): point for point in qdrant.points(VERSION.name).scroll(PARTITIONS)}


def matches(qdrant: Qdrant) -> dict[str, float]:
    """The points that have words of a query, with their scores by words."""
    query = TypedWords(" ".join(WORDS)).vector
    found = qdrant.points(VERSION.name)._engine.matching(VERSION.name, query, 2000, ANYWHERE, [])
    return {str(point.id): round(point.score, 3) for point in found}


def shards(address: EdgeAddress) -> list[str]:
    return sorted(path.name for path in address.directory.glob("shard-*"))


def datatype(address: EdgeAddress) -> str:
    (folder,) = shards(address)
    return str((address.directory / folder / "edge_config.json").read_text()).partition('"datatype":"')[2][:6]


def assert_same(before: dict[str, PointRecord], after: dict[str, PointRecord], rounding: float) -> None:
    assert after.keys() == before.keys()
    for key, point in before.items():
        assert (after[key].path, after[key].partition_key) == (point.path, point.partition_key)
        assert after[key].digest == point.digest is not None
        assert np.linalg.norm(after[key].vector - point.vector) <= rounding


@pytest.mark.usefixtures("few")
def test_the_space_of_deleted_points_is_taken_back(edge_address: EdgeAddress, caplog: pytest.LogCaptureFixture) -> None:
    points = many_points(600, seed=1)
    with edge_address.connect("images") as qdrant:
        fill(qdrant, points)
        collection = qdrant.collection(VERSION)
        collection.tidy()
        assert shards(edge_address) == ["shard-1"], "nothing is dead"
        fill(qdrant, points)
        collection.tidy()
        assert shards(edge_address) == ["shard-1"], "points that are written again take no more space"
        collection.delete_points([point.id for point in points[:180]])
        collection.tidy()
        assert shards(edge_address) == ["shard-1"], "less than a third is dead"
        collection.delete_points([point.id for point in points[180:260]])
        before, nearest = held(qdrant), collection.nearest(points[300].vector, 20)
        assert len(before) == 340
        words = matches(qdrant)
        assert len(words) > 100
        collection.tidy()
        assert shards(edge_address) == ["shard-3"]
        assert_same(before, held(qdrant), 1e-3)
        assert [hit.path for hit in collection.nearest(points[300].vector, 20)] == [hit.path for hit in nearest]
        assert matches(qdrant).keys() == words.keys()
        assert qdrant.damage(VERSION.name) is None
        assert places(edge_address.directory / "shard-3").used == 340
        assert datatype(edge_address) == "float1"
        collection.tidy()
        assert shards(edge_address) == ["shard-3"]
        assert collection.rounding == 1e-3
    said = [record.message for record in caplog.records]
    assert said[0] == "Compacting the collection of 340 photographs. Searches go on."
    assert said[1].startswith("Compacted the collection in ")
    assert len(said) == 2
    assert (edge_address.directory / "copy").read_text() == ""


@pytest.mark.usefixtures("few")
def test_many_vectors_become_smaller_and_stay_so(edge_address: EdgeAddress) -> None:
    points = many_points(1100, seed=2)
    with edge_address.connect("images") as qdrant:
        fill(qdrant, points[:1000])
        collection = qdrant.collection(VERSION)
        collection.tidy()
        assert datatype(edge_address) == "float1"
        fill(qdrant, points)
        before, words = held(qdrant), matches(qdrant)
        assert len(words) > 500
        collection.tidy()
        assert datatype(edge_address) == "turbo8"
        assert_same(before, held(qdrant), 0.02)
        assert matches(qdrant) == words
        assert collection.rounding == 0.02
        assert qdrant.damage(VERSION.name) is None
        list(collection.upsert(points[:100]))
        collection.delete_points([point.id for point in points[300:]])
        before = held(qdrant)
        collection.tidy()
        assert shards(edge_address) == ["shard-2"]
        assert datatype(edge_address) == "turbo8"
        assert_same(before, held(qdrant), 1e-6)  # it is not rounded once more


@pytest.mark.usefixtures("few")
def test_vectors_of_words_are_kept(edge_address: EdgeAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "TURBO_BEYOND", 2)
    folder = edge_address.directory / "shard-1"
    folder.mkdir(parents=True)
    dense = qe.EdgeVectorParams(size=4, distance=qe.Distance.Cosine, datatype=qe.VectorStorageDatatype.Float16)
    sparse = {"words": qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf), "more": qe.EdgeSparseVectorParams()}
    shard = qe.EdgeShard.create(str(folder), qe.EdgeConfig(vectors=dense, sparse_vectors=sparse))
    shard.update(qe.UpdateOperation.create_field_index("partition", index_params(Index.KEYWORD)))
    vectors = {
        "": [0.5] * 4,
        "words": qe.SparseVector([3, 2**32 - 1], [1.5, 0.25]),
        "more": qe.SparseVector([1], [2.0]),
    }
    made = [qe.Point(number, vectors, {"partition": "a"}) for number in range(3)]
    shard.update(qe.UpdateOperation.upsert_points(made))
    shard.close()
    write_catalog(edge_address.directory, read_catalog(edge_address.directory).having("x", Entry("shard-1", 4, {})))
    with edge_address.connect("images") as qdrant:
        qdrant._engine.tidy("x")
    shard = load_shard(edge_address.directory / "shard-3")
    query = qe.Query.Nearest(qe.SparseVector([3], [1.0]), using="words")
    found = shard.query(qe.QueryRequest(limit=5, query=query, with_vector=True))
    shard.close()
    assert sorted(point.id for point in found) == [0, 1, 2]
    for point in found:
        assert point.score == pytest.approx(1.5 * np.log(1 + 0.5 / 3.5), abs=1e-4)
        for name in ("words", "more"):
            assert point.vector[name].indices == vectors[name].indices
            assert point.vector[name].values == vectors[name].values


def worn(address: EdgeAddress, points: list[Point]) -> None:
    with address.connect("images") as qdrant:
        fill(qdrant, points)
        qdrant.collection(VERSION).delete_points([point.id for point in points[:200]])


@pytest.mark.usefixtures("few")
def test_a_copy_of_what_has_changed_meanwhile_is_not_used(
    edge_address: EdgeAddress, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    points = many_points(300, seed=3)
    worn(edge_address, points)
    report = compaction._follow

    def change(output: object, done: object) -> str:
        said = report(output, done)  # type: ignore[arg-type]
        with edge_address.connect("images") as other:
            assert other.points(VERSION.name).count() == 100, "it can be searched meanwhile"
            assert shards(edge_address) == ["shard-1", "shard-3"], "no leftover, as long as it is in use"
            list(other.collection(VERSION).upsert(points[:1]))
        return said

    with edge_address.connect("images") as qdrant:
        with monkeypatch.context() as patched:
            patched.setattr(compaction, "_follow", change)
            qdrant.collection(VERSION).tidy()
        assert shards(edge_address) == ["shard-1"]
        assert qdrant.points(VERSION.name).count() == 101
        qdrant.collection(VERSION).tidy()
        assert shards(edge_address) == ["shard-3"]
        assert qdrant.points(VERSION.name).count() == 101
    expected = "The collection was not compacted, and works as before: it was changed meanwhile."
    assert expected in [record.message for record in caplog.records]


@pytest.mark.usefixtures("few")
def test_a_copy_that_fails_changes_nothing(
    edge_address: EdgeAddress, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    points = many_points(300, seed=3)
    worn(edge_address, points)
    monkeypatch.setattr(copier, "command", lambda *_: ["sh", "-c", "echo 100; echo no luck; kill -9 $$"])
    with edge_address.connect("images") as qdrant:
        before = held(qdrant)
        qdrant.collection(VERSION).tidy()
        assert shards(edge_address) == ["shard-1"]
        assert_same(before, held(qdrant), 0.0)
    assert [record.message for record in caplog.records][-1] == (
        "The collection was not compacted, and works as before: no luck (exit code -9)."
    )


@pytest.mark.usefixtures("few")
def test_one_process_at_a_time_copies(edge_address: EdgeAddress) -> None:
    worn(edge_address, many_points(300, seed=3))
    with edge_address.connect("images") as qdrant:
        with CopyNote(edge_address.directory).lock() as descriptor:
            assert descriptor is not None
            qdrant.collection(VERSION).tidy()
            assert shards(edge_address) == ["shard-1"]
        qdrant.collection(VERSION).tidy()
        assert shards(edge_address) == ["shard-3"]


@pytest.mark.usefixtures("few")
def test_a_disk_without_room_for_a_copy_is_left_alone(
    edge_address: EdgeAddress, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worn(edge_address, many_points(300, seed=3))
    monkeypatch.setattr(compaction, "ROOM_BYTES", 1 << 60)
    with edge_address.connect("images") as qdrant:
        qdrant.collection(VERSION).tidy()
    assert shards(edge_address) == ["shard-1"]
    assert [record.message for record in caplog.records] == [
        "The collection is not compacted: that takes twice as much space again as it has."
    ]


def test_progress_is_logged_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "REPORT_SECONDS", 0.0)
    reported: list[int] = []
    assert compaction._follow(iter(["256\n", "oh\n", "512\n"]), reported.append) == "oh\n"  # type: ignore[arg-type]
    assert reported == [256, 512]
