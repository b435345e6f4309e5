"""Random points, filters and changes for the contract tests, in which all values meet often."""

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from hypothesis import strategies as st

from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.search_filter import Box, Near, SearchFilter
from image_pipeline_tests.storage.conftest import DIMENSION

PLACES = ((41.9, 12.5), (59.9, 10.75), (-17.8, 179.99), (0.0, 0.0), (89.5, -120.0), (-33.9, 18.4))
"""Rome, Oslo, Fiji beside the date line, the null island, almost the North Pole, Cape Town."""
RADII_KM = (0.5, 40.0, 2100.0, 9000.0, 25000.0)
CAMERAS = ("X100", "X100V", "Canon EOS R5", 'É-1 "µ"')
WORDS = ("a", "red", "Blue", "star", "stars", "circle", "café", "日本", "x-ray", "42")
PARTITIONS = ("a", "a#0of2", "a%2Cb", ".", "日本/x y", "A")
DAYS = tuple(datetime(2021, 12, 30) + timedelta(hours=11 * n) for n in range(12))


def many_points(count: int, seed: int) -> list[Point]:
    """Points with all fields that filters look at, some of them absent; every third is a copy of another one."""
    rng = np.random.default_rng(seed)

    def drawn(values: Any) -> Any:
        return values[rng.integers(len(values))]

    points = []
    for number in range(count):
        content = number - rng.integers(3) if number % 3 == 2 else number
        vector = np.random.default_rng(content).standard_normal(DIMENSION)
        start = drawn(DAYS)
        latitude, longitude = drawn(PLACES)
        payload: dict[str, Any] = {
            "partition": drawn(PARTITIONS),
            "sha256": f"content {content}",
            "pixels": f"pixels {content // 2}" if rng.random() < 0.3 else None,
            "caption": " ".join(drawn(WORDS) for _ in range(4)) if rng.random() < 0.8 else None,
            "camera": drawn((*CAMERAS, None)),
            "place": {"lat": latitude, "lon": longitude} if rng.random() < 0.7 else None,
        }
        if rng.random() < 0.8:
            taken = start.replace(tzinfo=timezone(timedelta(hours=int(rng.integers(-11, 13)))))
            payload["taken_at"] = (taken if rng.random() < 0.8 else start).isoformat()
            payload["taken_local"] = start.isoformat()
            payload["taken_local_end"] = (start + drawn((timedelta(seconds=1), timedelta(days=31)))).isoformat()
        vector /= np.linalg.norm(vector)
        points.append(make_point(f"photo {number:03}.jpg", vector.tolist(), payload))
    return points


def filters() -> st.SearchStrategy[SearchFilter]:
    """Filters of every kind, each alone and together with others."""
    nears = st.builds(lambda place, radius: Near(*place, radius), st.sampled_from(PLACES), st.sampled_from(RADII_KM))
    zones = st.sampled_from([None, timezone(timedelta(0)), timezone(timedelta(hours=5, minutes=45))])
    shifts = st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(seconds=-1), timedelta(milliseconds=500)])
    times = st.builds(lambda day, by, zone: (day + by).replace(tzinfo=zone), st.sampled_from(DAYS), shifts, zones)
    words = st.lists(st.sampled_from([*WORDS, "RED", "none"]), min_size=1, max_size=2).map(" ".join)
    boxes = st.sampled_from(
        [Box(40, 10, 60, 15), Box(-20, 170, 0, -110), Box(-90, -180, 90, 180), Box(-1, 1, 1, 2), Box(-34, 18, 90, 19)]
    )
    simple = st.builds(
        SearchFilter,
        near=st.none() | nears,
        box=st.none() | boxes,
        after=st.none() | times,
        before=st.none() | times,
        camera=st.none() | st.sampled_from([*CAMERAS, "canon", "r5", "none"]),
        words=st.none() | words,
    )
    some = st.lists(simple, min_size=1, max_size=2).map(tuple)
    groups = st.lists(some, max_size=2).map(tuple)
    return st.one_of(simple, st.builds(SearchFilter, camera=st.none() | st.just("x100"), any_of=groups, none_of=some))


def queries() -> st.SearchStrategy[list[float]]:
    """Vectors of unit length."""
    numbers = st.lists(st.floats(-1, 1, width=32), min_size=DIMENSION, max_size=DIMENSION)
    return numbers.filter(lambda one: math.hypot(*one) > 0.1).map(lambda one: [n / math.hypot(*one) for n in one])
