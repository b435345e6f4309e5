"""The fused search, on every kind of Qdrant: by pictures and by words, names first."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import qdrant_edge as qe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import models

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.edge.catalog import Entry
from image_pipeline.collection.edge.engine import EdgeEngine
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.hits import Hit
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.typed_words import MatchedWord, TypedWords
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.collection.where import ANYWHERE
from image_pipeline_tests.collection.oracle import matches
from image_pipeline_tests.collection.oracle import photographs as grouped
from image_pipeline_tests.collection.population import WORDS, filters, many_points, queries
from image_pipeline_tests.collection.test_contract_words import bm25
from image_pipeline_tests.storage.conftest import DIMENSION, VERSION
from image_pipeline_tests.support.raw_qdrant import open_engine

ROUNDING = 1e-3


def at(degrees: float) -> list[float]:
    """A vector at an angle to the query, which is at 0."""
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0, 0.0]


def photo(path: str, degrees: float, **payload: object) -> Point:
    return make_point(path, at(degrees), {"partition": ".", "sha256": path, "directory": "", **payload})


def _with_names(number: int, point: Point) -> Point:
    """The point with people and places, some of which have words of the queries."""
    people = (["Blue Star", "Ana"], ["Café Red"], [], ["Anna-Lena"])[number % 4]
    names = {
        "people": people,
        "city": ("日本", "Oslo", None)[number % 3],
        "country": "Red" if number % 7 == 0 else None,
    }
    return make_point(point.payload["path"], point.vector, {**point.payload, **names})


@pytest.fixture
def engine(any_address: QdrantAddress) -> Iterator[Engine]:
    with open_engine(any_address) as engine:
        yield engine


def filled(engine: Engine, *points: Point) -> Collection:
    collection = Collection(engine, VERSION)
    collection.ensure()
    list(collection.upsert(points))
    return collection


def paths(points: VersionPoints, words: str, limit: int = 10, **asked: object) -> list[str]:
    return [hit.path for hit in points.fused(at(0), words, limit, SearchFilter(**asked))]  # type: ignore[arg-type]


def test_names_come_first_however_far_their_pictures_are(engine: Engine) -> None:
    near = [photo(f"near {n}.jpg", n / 4, caption="a beach") for n in range(100)]
    points = filled(
        engine,
        *near,
        photo("anna.jpg", 80),
        photo("a/IMG_2034.jpg", 85, directory="a", people=["Anna Berg"], city="Málaga"),
        photo("b.jpg", 88, description="Anna Berg was in Malaga, IMG 2034"),
    )
    assert paths(points, "Anna")[:3] == ["a/IMG_2034.jpg", "anna.jpg", "b.jpg"], "who it shows, then what it is called"
    assert paths(points, "Anna Berg", 2) == ["a/IMG_2034.jpg", "b.jpg"]
    for words in ("a photo of anna berg in malaga", "IMG_2034", "img 2034", "2034", "a/IMG_2034.jpg", "malaga"):
        assert paths(points, words, 1) == ["a/IMG_2034.jpg"], words
    assert paths(points, "2034", 1, city="nowhere") == []
    assert paths(points, "nobody", 3) == ["near 0.jpg", "near 1.jpg", "near 2.jpg"]


def test_a_hit_says_why_and_how_near_its_picture_is(engine: Engine) -> None:
    far = photo("far.jpg", 120, keywords=["Beach"], caption="a dog")
    points = filled(engine, *(photo(f"{n}.jpg", n / 10) for n in range(150)), far)
    [first, second] = points.fused(at(0), "Beach dogs", 2)
    assert first.path == "far.jpg" and first.matched is not None and second.matched is not None
    assert first.matched.words == (MatchedWord("Beach", ("keywords",)), MatchedWord("dogs", ("caption",)))
    assert first.score == first.matched.picture == pytest.approx(-0.5, abs=ROUNDING)
    assert (second.path, second.matched.words) == ("0.jpg", ())
    assert all(hit.matched is None for hit in points.nearest(at(0), 2))


def test_copies_count_once_and_show_the_file_that_has_the_words(engine: Engine) -> None:
    same = [photo(f"copy {n}.jpg", 30, sha256="same", city="Oslo") for n in range(5)]
    points = filled(engine, *same, photo("zoo.jpg", 30, sha256="same"), photo("other.jpg", 10, caption="a zoo"))
    [first, second] = points.fused(at(0), "zoo", 5)
    assert (first.path, first.copies) == ("zoo.jpg", tuple(f"copy {n}.jpg" for n in range(5)))
    assert second.path == "other.jpg"
    assert [hit.path for hit in points.fused(at(0), "oslo", 5)] == ["copy 0.jpg", "other.jpg"]


def test_the_nearest_of_very_many_with_the_word_come_first(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_pipeline.collection.candidates._MOST_MATCHES", 150)
    beaches = [photo(f"{n:03}.jpg", 20 + n / 10, keywords=["beach"]) for n in range(400)]
    points = filled(engine, *beaches, *(photo(f"near {n}.jpg", 1 + n / 10) for n in range(10)))
    assert paths(points, "beach", 5, directory="") == ["000.jpg", "001.jpg", "002.jpg", "003.jpg", "004.jpg"]


def test_one_word_of_many_counts_less_than_the_nearest_pictures(engine: Engine) -> None:
    folder = [photo(f"mountains 2019/{n}.jpg", 60 + n / 10, directory="mountains 2019") for n in range(100)]
    points = filled(engine, *folder, *(photo(f"sunset {n}.jpg", n) for n in range(30)))
    assert paths(points, "dusk above mountains", 5) == [f"sunset {n}.jpg" for n in range(5)]


@pytest.mark.parametrize("named", [{"people": ["Ed Poe", "Anna Berg"]}, {"city": "Anna"}, {"state": "Anna"}])
def test_of_the_photographs_of_a_person_or_place_those_that_show_the_rest_come_first(
    engine: Engine, named: dict[str, object]
) -> None:
    beaches = [photo(f"beach {n:03}.jpg", 10 + n / 10, caption="a beach") for n in range(200)]
    others = [photo(f"{n:03}.jpg", 80 + n / 50, title="a beach", keywords=["Anna Freud"]) for n in range(200)]
    shown = [photo(f"shown {n:03}.jpg", 40 + n / 10, **named) for n in range(200)]
    points = filled(engine, *beaches, *others, *shown)
    found = paths(points, "swimming with Anna", 40)
    assert found[:5] == [f"shown {n:03}.jpg" for n in range(5)]
    assert [path for path in found if path.startswith("beach")][:3] == [f"beach {n:03}.jpg" for n in range(3)]
    assert not {f"{n:03}.jpg" for n in range(200)} & set(found), "a keyword says nothing that the picture does not"


def test_who_has_the_whole_name_is_meant(engine: Engine) -> None:
    others = [photo(f"{n:03}.jpg", n / 10, people=["Anna Kern", "Ed Berg"]) for n in range(100)]
    anna = [photo(f"anna {n}.jpg", 70 + n, people=["Anna Berg"]) for n in range(5)]
    points = filled(engine, *others, *anna)
    for words in ("Anna Berg", "swimming with Anna Berg"):
        assert paths(points, words, 5) == [f"anna {n}.jpg" for n in range(5)], words


def test_a_filter_also_holds_for_the_photographs_of_a_person(engine: Engine) -> None:
    anna = [photo(f"{n}.jpg", n, people=["Anna"], city="Oslo" if n > 100 else "Rome") for n in range(103)]
    assert paths(filled(engine, *anna), "swimming with Anna", 5, city="oslo") == ["101.jpg", "102.jpg"]


POPULATION = [_with_names(number, point) for number, point in enumerate(many_points(90, seed=5))]
searching = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
texts = st.lists(st.sampled_from([*WORDS, "photo", "7", "jpg", "nowhere", "annalena"]), max_size=4).map(" ".join)


@pytest.fixture
def population(engine: Engine) -> Collection:
    return filled(engine, *POPULATION)


@searching
@given(asked=filters(), vector=queries(), text=texts)
def test_the_order_is_that_of_the_formula(
    population: Collection, asked: SearchFilter, vector: list[float], text: str
) -> None:
    """All photographs are found, so their ranks are known."""
    found = population.fused(vector, text, len(POPULATION), asked)
    keys = formula([one for one in POPULATION if matches(one.payload, asked)], vector, text)
    assert {path for hit in found for path in (hit.path, *hit.copies)} == keys.keys()
    order = [keys[hit.path] for hit in found]
    assert [is_named for is_named, _ in order] == sorted((is_named for is_named, _ in order), reverse=True)
    for (is_named, score), (next_is_named, next_score) in pairwise(order):
        assert is_named > next_is_named or score > next_score - 5e-4, "a rank may be one off by the rounding of vectors"


@searching
@given(asked=filters(), vector=queries(), text=texts, limit=st.integers(1, 15))
def test_a_limit_keeps_the_best_of_the_formula(
    population: Collection, asked: SearchFilter, vector: list[float], text: str, limit: int
) -> None:
    found = population.fused(vector, text, limit, asked)
    keys = formula([one for one in POPULATION if matches(one.payload, asked)], vector, text)
    best = sorted(
        {(hit.path, keys[hit.path]) for hit in population.fused(vector, text, len(POPULATION), asked)},
        key=lambda one: one[1],
        reverse=True,
    )[:limit]
    assert [keys[hit.path] for hit in found] == [
        (is_named, pytest.approx(score, abs=5e-4)) for _, (is_named, score) in best
    ]


def formula(points: list[Point], vector: list[float], text: str) -> dict[str, tuple[bool, float]]:
    """Whether the photograph of each file is named, and its fused score."""
    typed = TypedWords(text)
    rarities = bm25(POPULATION, typed.vector)
    photographs = []
    for group in grouped(points):
        cosine = max(float(np.dot(point.vector, vector)) for point in group)
        having = [(typed.evidence(point.payload), rarities[point.id]) for point in group if point.id in rarities]
        best = max(((one.is_named, one.share * score, one.share) for one, score in having), default=(False, 0.0, 0.0))
        photographs.append((group, cosine, *best))
    keys = {}
    of_names = [cosine for group, cosine, *_ in photographs if any(_names_one(text, point) for point in group)]
    for group, cosine, is_named, score, share in photographs:
        near = sum(one[1] >= cosine for one in photographs)
        matching = sum(one[3] >= score - 1e-6 for one in photographs)
        fused = 1 / (60 + near) + share / (60 + matching)
        if any(_names_one(text, point) for point in group):
            fused += 1 / (60 + sum(one >= cosine for one in of_names))
        keys |= {str(point.payload["path"]): (is_named, fused) for point in group}
    return keys


def _names_one(text: str, point: Point) -> bool:
    """Whether a person or place of a point has words of the query, and no other value of its field has these and more.

    A value has a word if it would name a photograph by this word.
    """

    def values(name: str, payload: Mapping[str, Any]) -> list[str]:
        value = payload.get(name, [])
        return value if isinstance(value, list) else [value]

    def found(value: str) -> set[str]:
        return {word for word in _words_of_query(text) if TypedWords(word).evidence({"title": value}).has_name}

    for name in ("people", "city", "state", "country"):
        known = [found(value) for one in POPULATION for value in values(name, one.payload)]
        for value in values(name, point.payload):
            if found(value) and not any(found(value) < other for other in known):
                return True
    return False


def _words_of_query(text: str) -> list[str]:
    """Those of the queries of the population: without `a` and `photo`, if there are others."""
    words = text.split()
    return [word for word in words if word not in ("a", "photo")] or words


def create_without_words(address: QdrantAddress, engine: Engine) -> None:
    """A collection as an older release made it."""
    if not isinstance(address, EdgeAddress):
        assert not isinstance(engine, EdgeEngine)
        vectors = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
        metadata = {"embedding_producer": VERSION.producer}
        engine._client.create_collection(VERSION.name, vectors_config=vectors, metadata=metadata)
        return
    assert isinstance(engine, EdgeEngine)
    with engine._turns.use() as opened:
        vectors_ = qe.EdgeVectorParams(size=DIMENSION, distance=qe.Distance.Cosine)
        folder = address.directory / "shard-1"
        folder.mkdir()
        qe.EdgeShard.create(str(folder), qe.EdgeConfig(vectors=vectors_)).close()
        entry = Entry("shard-1", DIMENSION, {"embedding_producer": VERSION.producer})
        opened.write(opened.catalog.having(VERSION.name, entry))


def test_a_collection_of_an_older_release_is_searched_by_pictures(any_address: QdrantAddress) -> None:
    with open_engine(any_address) as engine:
        create_without_words(any_address, engine)
        assert not engine.describe(VERSION.name).has_words
        collection = Collection(engine, VERSION)
        points = [photo(f"{n}.jpg", n, caption="a beach", sha256=str(n)) for n in range(5)]
        list(collection.upsert(points))
        assert engine.matching(VERSION.name, TypedWords("beach").vector, 5, ANYWHERE, []) == []
        hits: list[Hit] = collection.fused(at(0), "a beach", 3)
        assert [hit.path for hit in hits] == ["0.jpg", "1.jpg", "2.jpg"]
        assert [hit.score for hit in hits] == pytest.approx([math.cos(math.radians(n)) for n in range(3)], abs=ROUNDING)
        assert all(record.vector is not None for record in collection.scroll(["."]))
