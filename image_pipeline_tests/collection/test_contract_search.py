"""Search, as every kind of Qdrant must answer it: compared with a model in plain Python."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.hits import Hit
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline_tests.collection.oracle import Oracle
from image_pipeline_tests.collection.population import CAMERAS, filters, many_points, queries
from image_pipeline_tests.storage.conftest import VERSION

ORACLE = Oracle(many_points(90, seed=1))
SCORE_TOLERANCE = 1e-3
"""Scores may be rounded: some kinds of Qdrant keep vectors as 16-bit floats."""


@pytest.fixture
def points(any_address: QdrantAddress) -> Iterator[VersionPoints]:
    with any_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        list(collection.upsert(list(ORACLE.points.values())))
        yield qdrant.points(VERSION.name)


# the points stay as they are, so one filling serves all examples
searching = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)


def by_path(hits: list[Hit]) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    return {hit.path: (hit.caption, hit.sha256, hit.copies) for hit in hits}


def assert_same(found: list[Hit], expected: list[Hit]) -> None:
    """The same photographs with the same copies, and scores that fall and are right to a rounding."""
    assert by_path(found) == by_path(expected)
    scores = {hit.path: hit.score for hit in expected}
    assert all(abs(hit.score - scores[hit.path]) < SCORE_TOLERANCE for hit in found)
    assert all(one.score >= next_.score for one, next_ in itertools.pairwise(found))


@searching
@given(asked=filters(), vector=queries())
def test_filters_find_what_plain_python_finds(points: VersionPoints, asked: SearchFilter, vector: list[float]) -> None:
    assert_same(points.nearest(vector, len(ORACLE.points), asked), ORACLE.nearest(vector, len(ORACLE.points), asked))


@searching
@given(vector=queries(), limit=st.integers(1, 12), camera=st.none() | st.sampled_from(CAMERAS))
def test_a_limit_keeps_the_best(points: VersionPoints, vector: list[float], limit: int, camera: str | None) -> None:
    asked = SearchFilter(camera=camera)
    every = ORACLE.nearest(vector, len(ORACLE.points), asked)
    found = points.nearest(vector, limit, asked)
    assert len(found) == min(limit, len(every))
    best = [hit.score for hit in every[:limit]]
    assert np.allclose([hit.score for hit in found], best, rtol=0, atol=SCORE_TOLERANCE)
    assert len(by_path(found)) == len(found), "each photograph is found once"


def test_the_nearest_of_each_point_is_itself(points: VersionPoints) -> None:
    for point in list(ORACLE.points.values())[:10]:
        (hit,) = points.nearest(point.vector, 1)
        assert str(point.payload["path"]) in (hit.path, *hit.copies)
        assert abs(hit.score - 1) < SCORE_TOLERANCE


def test_an_empty_version_finds_nothing(any_address: QdrantAddress) -> None:
    with any_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
        assert qdrant.points(VERSION.name).nearest([1.0, 0.0, 0.0, 0.0], 5, SearchFilter(words="red")) == []
