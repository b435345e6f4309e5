"""Sealed shards of Qdrant Edge: they answer and change like others, whatever part of the points is sealed."""

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline.collection.collection import Collection
from image_pipeline.collection.edge import compaction
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.edge.shards import Places, places
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.typed_words import TypedWords
from image_pipeline.collection.where import ANYWHERE, Absent, Where
from image_pipeline.schema.payload import CAMERA, TAKEN_LOCAL
from image_pipeline_tests.collection.oracle import Oracle
from image_pipeline_tests.collection.population import CAMERAS, PARTITIONS, WORDS, many_points
from image_pipeline_tests.storage.conftest import VERSION
from image_pipeline_tests.support.room import Room

SEALED_FILES = "segments/*/id_tracker.deleted"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few points are many."""
    monkeypatch.setattr(compaction, "FRESH_POINTS", 100)
    monkeypatch.setattr(compaction, "DEAD_PLACES", 100)


@pytest.fixture
def qdrant(edge_address: EdgeAddress) -> Iterator[Qdrant]:
    with edge_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
        yield qdrant


def shard(address: EdgeAddress) -> Path:
    (folder,) = address.directory.glob("shard-*")
    return folder


def put(collection: Collection, points: list[Point]) -> None:
    list(collection.upsert(points))


def held_places(qdrant: Qdrant, address: EdgeAddress) -> Places:
    """The places in the files; the checkup flushes them."""
    assert qdrant.damage(VERSION.name) is None
    return places(shard(address))


def changed(point: Point, partition: str) -> Point:
    return make_point(str(point.payload["path"]), point.vector, {**point.payload, "partition": partition})


def assert_answers(qdrant: Qdrant, oracle: Oracle, seed: int) -> None:
    """What a search, a facet, an order, words and an ingestion ask is answered as plain Python answers it."""
    points = qdrant.points(VERSION.name)
    payloads = [point.payload for point in oracle.points.values()]
    assert points.count() == len(payloads)
    assert points.digests(PARTITIONS) == oracle.digests(PARTITIONS)
    assert sorted(points.partition_keys()) == sorted({str(one["partition"]) for one in payloads})
    assert points.counts(PARTITIONS) == {key: len(oracle.of(key)) for key in PARTITIONS}
    assert points.facet(CAMERA) == Counter(one["camera"] for one in payloads if "camera" in one)
    order = points._engine.in_order(VERSION.name, TAKEN_LOCAL.name, True, 2000, ANYWHERE, [TAKEN_LOCAL.name])
    dates = sorted((str(one["taken_local"]) for one in payloads if "taken_local" in one), reverse=True)
    assert [str(one.payload[TAKEN_LOCAL.name]) for one in order] == dates
    undated = points._engine.count(VERSION.name, Where(must=[Absent(TAKEN_LOCAL.name)]))
    assert undated == len(payloads) - len(dates)
    with_words = {
        point.id
        for point in oracle.points.values()
        if set(str(point.payload.get("caption", "")).split()) & {*WORDS[1:3]}
    }
    by_words = points._engine.matching(VERSION.name, TypedWords(" ".join(WORDS[1:3])).vector, 2000, ANYWHERE, [])
    assert {str(one.id) for one in by_words} == with_words
    rng = random.Random(seed)
    for _ in range(4):
        vector = many_points(1, rng.randrange(10**6))[0].vector
        for asked in (SearchFilter(), SearchFilter(camera=rng.choice(CAMERAS)), SearchFilter(words=rng.choice(WORDS))):
            found, expected = (one.nearest(vector, 2000, asked) for one in (points, oracle))
            assert {hit.path: hit.copies for hit in found} == {hit.path: hit.copies for hit in expected}
            scores = {hit.path: hit.score for hit in expected}
            assert all(abs(hit.score - scores[hit.path]) <= points.rounding for hit in found)


def test_points_are_sealed_once_a_third_of_them_is_not(qdrant: Qdrant, edge_address: EdgeAddress) -> None:
    points = many_points(500, seed=1)
    collection = qdrant.collection(VERSION)
    put(collection, points[:99])
    collection.tidy()
    assert held_places(qdrant, edge_address) == Places(fresh=99, sealed=0)
    put(collection, points[:300])
    collection.tidy()
    assert held_places(qdrant, edge_address) == Places(fresh=0, sealed=300)
    put(collection, points[300:449])
    collection.tidy()
    assert held_places(qdrant, edge_address) == Places(fresh=149, sealed=300)
    put(collection, points[449:])
    collection.tidy()
    assert held_places(qdrant, edge_address) == Places(fresh=0, sealed=500)
    last = shard(edge_address)
    collection.tidy()
    assert shard(edge_address) == last, "nothing is left to do"
    assert_answers(qdrant, Oracle(points), 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_turbo", [False, True])
def test_random_changes_of_sealed_points(
    edge_address: EdgeAddress, monkeypatch: pytest.MonkeyPatch, is_turbo: bool, seed: int
) -> None:
    if is_turbo:
        monkeypatch.setattr(compaction, "TURBO_BEYOND", 100)
    monkeypatch.setattr(compaction, "FRESH_POINTS", 200)
    rng, population = random.Random(seed), many_points(400, seed)
    oracle = Oracle(population)
    with edge_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
        put(qdrant.collection(VERSION), population)
        qdrant.collection(VERSION).tidy()
        assert held_places(qdrant, edge_address) == Places(fresh=0, sealed=400)
        assert_answers(qdrant, oracle, seed)
    for step in range(8):
        with edge_address.connect("images") as qdrant:  # it is loaded anew
            collection = qdrant.collection(VERSION)
            chosen = rng.sample(population, rng.randint(1, 60))
            ids = [point.id for point in chosen]
            match rng.choice(["delete", "upsert", "move", "partition", "outdate"]):
                case "delete":
                    collection.delete_points(ids)
                    oracle.delete(ids)
                case "upsert":
                    put(collection, chosen)
                    oracle.upsert(chosen)
                case "move":
                    moved = [changed(point, rng.choice(PARTITIONS)) for point in chosen]
                    put(collection, moved)
                    oracle.upsert(moved)
                case "partition":
                    key = rng.choice(PARTITIONS)
                    collection.delete_partition(key)
                    oracle.delete([point.id for point in oracle.of(key)])
                case "outdate":
                    collection.mark_outdated(ids)
                    outdated = {
                        key
                        for found in collection.digests(PARTITIONS).values()
                        for key, one in found.items()
                        if not one
                    }
                    assert outdated == oracle.points.keys() & set(ids)
                    put(collection, [oracle.points[id_] for id_ in sorted(outdated)])
            if step == 5:
                collection.tidy()
            assert_answers(qdrant, oracle, seed + step)
            assert qdrant.damage(VERSION.name) is None


_DELETES_ON_A_FULL_DISK = """
import sys
from pathlib import Path
from image_pipeline.collection.edge import compaction, opened
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline_tests.collection.population import many_points
from image_pipeline_tests.storage.conftest import VERSION
from image_pipeline_tests.support.room import Room

room, is_reserved = Room(Path(sys.argv[1]), 0), sys.argv[2] == "True"
compaction.FRESH_POINTS = 100
points, reserve = many_points(2000, seed=6), opened.reserve

def reserve_and_fill(folder):
    if is_reserved:
        reserve(folder)
    room.fill(0)

address = EdgeAddress(room.directory / "qdrant-edge", room.directory / "qdrant.lock")
with address.connect("images") as qdrant:
    collection = qdrant.collection(VERSION)
    collection.ensure()
    list(collection.upsert(points))
    collection.tidy()
with address.connect("images") as qdrant:
    opened.reserve = reserve_and_fill
    qdrant.collection(VERSION).delete_points([point.id for point in points[:1200]])
"""


@pytest.mark.parametrize("is_reserved", [True, False])
def test_deletions_of_sealed_points_on_a_disk_that_fills_end_no_process(memory: Path, is_reserved: bool) -> None:
    """A different program takes all space between the check of the free space and the write."""
    with Room(memory / f"disk of a sealed shard {is_reserved}", 600) as room:
        if not room.is_small:
            pytest.skip("A small disk cannot be mounted here: that takes the right to mount a tmpfs.")
        arguments = [str(room.directory), str(is_reserved)]
        command = [sys.executable, "-c", _DELETES_ON_A_FULL_DISK, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        room.make_space()
        if not is_reserved:
            assert done.returncode == -signal.SIGBUS, "this test shows nothing"
            return
        assert done.returncode == 0, done.stderr
        address = EdgeAddress(room.directory / "qdrant-edge", room.directory / "qdrant.lock", lock_seconds=1.0)
        with address.connect("images") as qdrant:
            assert qdrant.damage(VERSION.name) is None
            assert qdrant.collection(VERSION).count() == 800


def test_a_checkup_finds_words_that_are_lost(edge_address: EdgeAddress) -> None:
    with edge_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        put(collection, many_points(150, seed=5))
        collection.tidy()
        assert qdrant.damage(VERSION.name) is None
    [index] = shard(edge_address).rglob("vector_index-words/inverted_index.dat")
    index.write_bytes(bytes(index.stat().st_size))
    with edge_address.connect("images") as qdrant:
        assert "words" in str(qdrant.damage(VERSION.name))
