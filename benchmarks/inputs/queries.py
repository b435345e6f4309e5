"""Queries of a collection of made points: those that searches ask, each kind with different values."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.inputs.points import YEARS, make_vectors
from benchmarks.inputs.vocabulary import Vocabulary, vocabulary
from image_pipeline.collection.hits import Hit
from image_pipeline.collection.search_filter import Near, SearchFilter, Span
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.schema.payload import CAMERA, KEYWORDS

LIMIT = 50
"""The number of photographs to find, with their payload and their copies."""

PLAIN = "query"
"""The kind without a filter."""

FILTERS = ("keyword of 5 %", "range of dates", "circle", "part of a camera", "person", "date, country and rating")
HYBRID = "query with words"
"""The kind that compares words and vectors."""

OTHERS = ("facet of cameras", "facet of keywords", "count")
KINDS = (PLAIN, HYBRID, *FILTERS, *OTHERS)
"""All kinds, in the order of the report."""

_RADII_KM = (5, 50, 500)
_CAMERA_PARTS = ("canon", "eos", "nikon", "iphone", "z 6", "x-t4")


@dataclass(frozen=True)
class Query:
    """Question `number` of its kind; `ask` returns the hits, the values of a facet, or a count."""

    kind: str
    number: int
    ask: Callable[[VersionPoints], Any]


def make_queries(count: int, dimension: int, seed: int) -> list[Query]:
    """`count` queries of each kind."""
    rng = np.random.default_rng([11, seed])
    vectors = [vector.tolist() for vector in make_vectors(seed, count * (2 + len(FILTERS)), dimension)]
    queries = [Query(PLAIN, number, _nearest(vectors.pop(), SearchFilter())) for number in range(count)]
    queries += [Query(HYBRID, number, _fused(vectors.pop(), _typed(number, rng))) for number in range(count)]
    for kind in FILTERS:
        queries += [Query(kind, number, _nearest(vectors.pop(), _filter(kind, number, rng))) for number in range(count)]
    for number in range(count):
        queries.append(Query("facet of cameras", number, lambda points: points.facet(CAMERA)))
        queries.append(Query("facet of keywords", number, lambda points: points.facet(KEYWORDS)))
        queries.append(Query("count", number, lambda points: points.count()))
    return queries


def _nearest(vector: list[float], search_filter: SearchFilter) -> Callable[[VersionPoints], list[Hit]]:
    return lambda points: points.nearest(vector, LIMIT, search_filter)


def _fused(vector: list[float], typed: str) -> Callable[[VersionPoints], list[Hit]]:
    return lambda points: points.fused(vector, typed, LIMIT)


def _typed(number: int, rng: np.random.Generator) -> str:
    """What people type: words of captions, a keyword, a person, a city, a file name; some are rare, some frequent."""
    words = vocabulary()
    caption = " ".join(rng.choice(words.words, 2 + number % 3, p=words.word_chances))
    person = words.people[number % len(words.people)]
    city = words.cities[int(rng.choice(len(words.cities), p=words.city_chances))].name
    keyword = words.keywords[int(rng.choice(len(words.keywords), p=words.keyword_chances))][0]
    kinds = (caption, f"{person} {city}", keyword, f"{caption} {city}", person.split()[0], f"IMG_{number * 37:07d}")
    return kinds[number % len(kinds)]


def _filter(kind: str, number: int, rng: np.random.Generator) -> SearchFilter:
    words: Vocabulary = vocabulary()
    day = datetime(YEARS[0], 1, 1) + timedelta(days=int(rng.integers(365 * (YEARS[1] - YEARS[0] - 2))))
    city = words.cities[int(rng.choice(len(words.cities), p=words.city_chances))]
    match kind:
        case "keyword of 5 %":
            return SearchFilter(keywords=(words.keywords[0][0].upper(),))
        case "range of dates":
            return SearchFilter(after=day, before=day + timedelta(days=int(rng.integers(30, 700))))
        case "circle":
            return SearchFilter(near=Near(city.latitude, city.longitude, _RADII_KM[number % len(_RADII_KM)]))
        case "part of a camera":
            return SearchFilter(camera=_CAMERA_PARTS[number % len(_CAMERA_PARTS)])
        case "person":
            return SearchFilter(people=(words.people[number % len(words.people)].split()[0].lower(),))
        case "date, country and rating":
            later = day + timedelta(days=730)
            return SearchFilter(after=day, before=later, country=city.country, rating=Span(low=3))
    raise ValueError(f"no kind of filter: {kind}")
