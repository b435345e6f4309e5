"""Whether the made points are like those of a real library, and the queries find some of them."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from benchmarks.inputs.points import make_points, make_vectors
from benchmarks.inputs.queries import FILTERS, KINDS, make_queries
from benchmarks.inputs.vocabulary import CAMERAS, CITIES, KEYWORDS, LENSES, PEOPLE, WORDS, vocabulary
from image_pipeline.collection.points import Point
from image_pipeline.schema.column import Kind
from image_pipeline.schema.payload import PAYLOAD

_TYPES: dict[Kind, Any] = {Kind.INTEGER: int, Kind.FLOAT: float, Kind.TEXTS: list, Kind.GEO: dict}


@pytest.fixture(scope="module")
def points() -> list[Point]:
    return make_points(0, 20_000, 16, "producer")


def test_points_have_all_declared_fields_and_no_others(points: list[Point]) -> None:
    types = {field.name: _TYPES.get(field.kind, str) for field in PAYLOAD}
    found = {(name, type(value)) for point in points for name, value in point.payload.items()}
    assert found == set(types.items())


def test_a_library_has_as_many_values_as_a_real_one(points: list[Point]) -> None:
    words = vocabulary()
    values = [value for keyword in words.keywords for value in keyword]
    different = (words.cameras, words.lenses, {city.name for city in words.cities}, values, words.people, words.words)
    assert [len(set(one)) for one in different] == [CAMERAS, LENSES, CITIES, KEYWORDS, PEOPLE, WORDS]
    used = Counter(value for point in points for value in point.payload["keywords"])
    assert used.most_common(1)[0][1] / len(points) == pytest.approx(0.05, abs=0.02)
    assert {len(str(point.payload["caption"]).split()) for point in points} == {8}
    assert len({point.payload["taken_year"] for point in points if "taken_year" in point.payload}) == 20
    copies = len(points) - len({point.payload["sha256"] for point in points})
    assert copies == len(points) // 50


def test_the_same_number_always_gives_the_same_point(points: list[Point]) -> None:
    part = make_points(1_000, 100, 16, "producer")
    assert part == points[1_000:1_100]
    assert len({point.id for point in points}) == len(points)


def test_vectors_are_of_unit_length_and_like_those_of_the_queries() -> None:
    vectors = np.array([point.vector for point in make_points(0, 2_000, 768, "producer")])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = make_vectors(1, 100, 768) @ vectors.T
    assert np.median(cosines) == pytest.approx(0.42, abs=0.03)
    assert cosines.max() == pytest.approx(0.75, abs=0.06)


def test_there_are_as_many_queries_of_each_kind_as_asked_for() -> None:
    queries = make_queries(3, 16, seed=1)
    assert Counter(query.kind for query in queries) == dict.fromkeys(KINDS, 3)
    assert len(FILTERS) == 6
