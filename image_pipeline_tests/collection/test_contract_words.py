"""Search by words, as every kind of Qdrant must answer it: compared with BM25 in plain Python."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.conditions import conditions_of
from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.typed_words import TypedWords
from image_pipeline.collection.where import ANYWHERE, Ids, Where
from image_pipeline.collection.words import WordVector, words_of
from image_pipeline_tests.collection.oracle import matches
from image_pipeline_tests.collection.population import WORDS, filters, many_points, queries
from image_pipeline_tests.storage.conftest import VERSION, unit_vector
from image_pipeline_tests.support.raw_qdrant import open_engine

POINTS = many_points(90, seed=3)
NEVER = ("nowhere", "—", "🎈")
TOLERANCE = 1e-3


@pytest.fixture
def engine(any_address: QdrantAddress) -> Iterator[Engine]:
    with open_engine(any_address) as engine:
        collection = Collection(engine, VERSION)
        collection.ensure()
        list(collection.upsert(POINTS))
        yield engine


searching = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
texts = st.lists(st.sampled_from([*WORDS, *NEVER, "photo", "7", "jpg"]), max_size=5).map(" ".join)


def bm25(points: Sequence[Point], query: WordVector) -> dict[str, float]:
    """The scores of the points that have any term of the query, by id."""
    words = {point.id: words_of(point.payload) for point in points}
    weights = {id_: dict(zip(one.indices, one.values, strict=True)) for id_, one in words.items()}
    scores: dict[str, float] = {}
    for term, weight in zip(query.indices, query.values, strict=True):
        having = [id_ for id_ in weights if term in weights[id_]]
        rarity = math.log(1 + (len(points) - len(having) + 0.5) / (len(having) + 0.5))
        for id_ in having:
            scores[id_] = scores.get(id_, 0.0) + weight * weights[id_][term] * rarity
    return scores


def assert_ranked(found: Sequence[HeldPoint], scores: Mapping[str, float], limit: int) -> None:
    """The best by these scores, in their order up to ties."""
    expected = sorted(scores.values(), reverse=True)[:limit]
    assert [point.score for point in found] == pytest.approx(expected, rel=TOLERANCE)
    assert [scores[str(point.id)] for point in found] == pytest.approx(expected, rel=TOLERANCE)
    assert len({point.id for point in found}) == len(found)


@searching
@given(asked=filters(), text=texts)
def test_words_find_what_plain_python_finds(engine: Engine, asked: SearchFilter, text: str) -> None:
    conditions = conditions_of(asked, lambda field: Counter(str(point.payload.get(field.name)) for point in POINTS))
    if conditions is None:
        assert not any(matches(point.payload, asked) for point in POINTS)
        return
    query, where = TypedWords(text).vector, Where(must=conditions)
    scores = bm25(POINTS, query)
    passing = [point.id for point in POINTS if matches(point.payload, asked)]
    found = engine.matching(VERSION.name, query, len(POINTS), where, ["path"])
    assert_ranked(found, {id_: scores[id_] for id_ in passing if id_ in scores}, len(POINTS))
    paths = {point.id: point.payload["path"] for point in POINTS}
    assert all(point.payload == {"path": paths[str(point.id)]} for point in found)


@searching
@given(text=texts, limit=st.integers(1, 12), ids=st.none() | st.sets(st.sampled_from([one.id for one in POINTS])))
def test_a_limit_keeps_the_best(engine: Engine, text: str, limit: int, ids: set[str] | None) -> None:
    query = TypedWords(text).vector
    where = ANYWHERE if ids is None else Where(must=[Ids(sorted(ids))])
    scores = {id_: score for id_, score in bm25(POINTS, query).items() if ids is None or id_ in ids}
    assert_ranked(engine.matching(VERSION.name, query, limit, where, []), scores, limit)


def test_words_follow_what_is_written_and_deleted(engine: Engine) -> None:
    """The rarity of a word may follow later: a server counts deleted points until it has tidied up."""
    collection = Collection(engine, VERSION)
    written = [make_point(one.payload["path"], one.vector, {**one.payload, "caption": "red"}) for one in POINTS[:30]]
    list(collection.upsert(written))
    collection.delete_points([point.id for point in POINTS[60:]])
    collection.mark_outdated([point.id for point in POINTS[40:50]])
    held = [*written, *POINTS[30:60]]
    for text in ("red", "42", "Blue star", "café 42", "stars photo"):
        query = TypedWords(text).vector
        found, scores = engine.matching(VERSION.name, query, 90, ANYWHERE, []), bm25(held, query)
        assert {point.id for point in found} == scores.keys()
        if " " not in text:  # the rarity of the only term is the same for all
            factor = found[0].score / max(scores.values())
            assert_ranked(found, {id_: score * factor for id_, score in scores.items()}, 90)
            assert 0.5 < factor < 2


def test_words_leave_the_rest_of_a_point_as_it_is(engine: Engine) -> None:
    collection = Collection(engine, VERSION)
    assert engine.describe(VERSION.name).has_words
    assert engine.describe(VERSION.name).dimension == VERSION.dimension
    for record in collection.scroll(sorted({str(point.payload["partition"]) for point in POINTS})):
        assert record.digest is not None and record.vector is not None and len(record.vector) == VERSION.dimension
    held, _ = engine.page(VERSION.name, Where(must=[Ids([POINTS[0].id])]), 1, None, None, with_vectors=True)
    assert held[0].vector is not None and held[0].payload == POINTS[0].payload


def test_points_are_read_by_their_ids(engine: Engine) -> None:
    wanted = [POINTS[7], POINTS[3], POINTS[80]]
    ids = [*(one.id for one in wanted), "00000000-0000-4000-8000-000000000000"]
    assert {one.id: one.payload for one in engine.read(VERSION.name, ids, None)} == {
        one.id: one.payload for one in wanted
    }
    some = engine.read(VERSION.name, ids, ["path", "nothing"])
    assert {one.id: one.payload for one in some} == {one.id: {"path": one.payload["path"]} for one in wanted}
    assert engine.read(VERSION.name, ids[-1:], ["path"]) == []


@pytest.mark.parametrize("name", ["🎉", "!", "\x1b[2J\u202e.jpg", "x" * 300, "\uf7e9"])
def test_any_name_can_be_written(engine: Engine, name: str) -> None:
    strange = make_point(name, unit_vector("x"), {"partition": "a", "sha256": "x", "keywords": ["\x00", "", "\u202e"]})
    engine.upsert(VERSION.name, [strange])
    for query in (words_of(strange.payload), WordVector((), ())):
        found = engine.matching(VERSION.name, query, 1, ANYWHERE, [])
        assert [point.id for point in found] == ([strange.id] if query.indices else [])


@searching
@given(vector=queries(), asked=filters(), limit=st.integers(1, 12))
def test_without_words_the_order_is_that_of_the_pictures(
    engine: Engine, vector: list[float], asked: SearchFilter, limit: int
) -> None:
    points = Collection(engine, VERSION)
    nearest, fused = points.nearest(vector, limit, asked), points.fused(vector, "nowhere", limit, asked)
    assert [hit.score for hit in fused] == pytest.approx([hit.score for hit in nearest], abs=TOLERANCE)
    assert all(hit.matched is not None and hit.matched.words == () for hit in fused)
    distinct = [one.score for one in nearest]
    if all(one - next_ > TOLERANCE for one, next_ in itertools.pairwise(distinct)):
        assert [hit.path for hit in fused] == [hit.path for hit in nearest]
