"""The golden queries: what satisfies them, and how their results are counted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from benchmarks.cases.golden import closeness, cut_table, recall, recall_table
from benchmarks.inputs.golden import Kind, demo_queries
from benchmarks.inputs.named import DIMENSION, named_library
from image_pipeline.demo.scenes import all_scenes, caption

COUNT = 400


def reported(kind: Kind, satisfied: int, places: Sequence[int], close: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    return {
        "kind": kind,
        "satisfied": satisfied,
        "places": {"dense": list(places), "words": [], "fused": list(places)},
        "found": {"dense": 10, "words": 0, "fused": 10},
        "close": {"picture": list(close), "search": list(close)},
    }


def test_recall_is_a_share_of_what_could_be_among_the_first() -> None:
    query = reported(Kind.THING, 3, [0, 6, 9])
    assert [recall(query, "dense", most) for most in (1, 5, 10)] == [1, pytest.approx(1 / 3), 1]
    assert recall(query, "words", 10) == 0
    assert recall(reported(Kind.THING, 40, range(10)), "dense", 10) == 1


def test_the_tables() -> None:
    queries = [
        reported(Kind.THING, 2, [0], (4, 1)),
        reported(Kind.THING, 2, [1, 2], (2, 2)),
        reported(Kind.UNKNOWN, 0, []),
    ]
    assert closeness(queries[:2], "picture") == (0.75, 0.5)
    assert recall_table("Drawn", queries).splitlines()[4:] == [
        "| a thing | 2 | 0.50 · 0.75 · 0.75 | 0.00 · 0.00 · 0.00 | 0.50 · 0.75 · 0.75 |",
        "| nothing: unknown words | 1 | 0 of 1 find nothing | 1 of 1 find nothing | 0 of 1 find nothing |",
    ]
    assert [line.split("|")[1:] for line in cut_table(queries).splitlines()[4:]] == [
        [" a thing ", " 0.75 ", " 0.50 ", " 0 of 2 ", " 0.75 ", " 0.50 ", " 0 of 2 ", ""],
        [" nothing: unknown words ", "  ", "  ", " 1 of 1 ", "  ", "  ", " 1 of 1 ", ""],
    ]


def test_queries_of_the_demo_library_are_satisfied_by_what_was_drawn() -> None:
    scenes = list(all_scenes())[::997]
    captions = {f"a/IMG_{number:04}.jpg": caption(scene) for number, scene in enumerate(scenes)}
    payloads = {path: {"sha256": path, "city": "Oslo" if "7" in path else None} for path in captions}
    queries = demo_queries(captions, payloads)
    assert {one.kind for one in queries} >= {Kind.SCENE, Kind.THING, Kind.CITY, Kind.FILE, Kind.ABSENT}
    for query in queries:
        if query.kind is Kind.ABSENT:
            assert query.text not in captions.values()
        if query.kind is Kind.THING:
            assert {path for path, words in captions.items() if query.text in words} == query.satisfied
        assert query.kind.is_for_nothing <= (not query.satisfied)


def test_the_made_library_is_the_same_each_time_and_resembles_an_embedded_one() -> None:
    library, again = named_library(COUNT), named_library(COUNT)
    assert [point.payload for point in library.points] == [point.payload for point in again.points]
    vectors = np.array([point.vector for point in library.points])
    assert vectors.shape == (COUNT, DIMENSION)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    contents = [point.payload["sha256"] for point in library.points]
    assert len(set(contents)) == COUNT
    cosines: dict[bool, list[float]] = {True: [], False: []}
    for query in library.queries:
        assert query.vector is not None and query.satisfied <= set(contents)
        if query.kind is Kind.CAPTION:
            for sha256, cosine in zip(contents, vectors @ query.vector, strict=True):
                cosines[sha256 in query.satisfied].append(float(cosine))
    assert np.mean(cosines[True]) == pytest.approx(0.27, abs=0.01)
    assert np.mean(cosines[False]) == pytest.approx(0.17, abs=0.01)
