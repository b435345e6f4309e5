"""Points as those of a real library, without photographs: all fields of the payload, and vectors in clusters."""

import hashlib
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.inputs.vocabulary import City, vocabulary
from image_pipeline.collection.points import Point, make_point
from image_pipeline.schema.map_cell import cell_of
from image_pipeline.schema.payload import MAP_CELLS

TRIP = 64
"""The number of photographs of a trip, which are in one directory, of one day, near one place."""

YEARS = (2006, 2026)
"""The dates: from the first day of the first year to the last day before the second."""

_TOPICS = 2_000
_SCENE = 8
"""The number of photographs in a row that have the same topic."""

_COPIES = 50
"""One file in this many is a copy of the one before it."""
_CAPTION_WORDS = 8
_MINUTES_OF_A_DAY = 600


def make_points(first: int, count: int, dimension: int, producer: str) -> list[Point]:
    """`count` points of a library, from number `first`: float32 unit vectors, and all fields of the payload.

    The same number always gives the same point, so a library of any size can be made in parts.
    """
    trips = range(first // TRIP, -(-(first + count) // TRIP))
    points = [point for trip in trips for point in _Trip(trip, dimension, producer).points()]
    start = first - trips.start * TRIP
    return points[start : start + count]


def make_vectors(seed: int, count: int, dimension: int) -> np.ndarray:
    """Vectors for queries, float32 `[count, dimension]` of unit length, with the same distribution as those of points.

    Embeddings of photographs have a common direction and form clusters: the cosine of two vectors of different topics
    is about 0.4, that of two with the same topic about 0.75.
    """
    rng = np.random.default_rng([7, seed])
    topics = _topics(dimension)[rng.integers(_TOPICS, size=count)]
    return _unit(topics + _noise(rng, (count, dimension), 0.5))


class _Trip:
    """A trip: what its photographs have in common, and the photographs."""

    def __init__(self, number: int, dimension: int, producer: str) -> None:
        rng = self._rng = np.random.default_rng([number, dimension])
        words = self._words = vocabulary()
        self._number, self._dimension, self._producer = number, dimension, producer
        self._city: City = words.cities[_one(rng, words.city_chances)]
        days = (datetime(YEARS[1], 1, 1) - datetime(YEARS[0], 1, 1)).days
        self._day = datetime(YEARS[0], 1, 1) + timedelta(days=int(rng.integers(days)), hours=8)
        self._cameras = [words.cameras[_one(rng, words.camera_chances)] for _ in range(2)]
        self._lenses = [words.lenses[int(rng.integers(len(words.lenses)))] for _ in range(3)]
        self._people = _some(rng, words.people, words.people_chances, 4)
        self._keywords = _some(rng, words.keywords, words.keyword_chances, 6)
        self._is_located = rng.random() < 0.7
        self._is_tagged = rng.random() < 0.6
        self._directory = f"{self._day:%Y}/{self._day:%Y-%m-%d} {self._city.name} {number}"

    def points(self) -> Iterator[Point]:
        """The points of all files."""
        rng = self._rng
        topics = _topics(self._dimension)[np.repeat(rng.integers(_TOPICS, size=TRIP // _SCENE), _SCENE)]
        vectors = _unit(topics + _noise(rng, (TRIP, self._dimension), 0.5))
        captions = _choose(rng, self._words.words, self._words.word_chances, (TRIP, _CAPTION_WORDS))
        minutes = np.sort(rng.integers(_MINUTES_OF_A_DAY, size=TRIP))
        before: tuple[array[float], dict[str, Any]] | None = None
        for place in range(TRIP):
            number = self._number * TRIP + place
            if before is not None and number % _COPIES == _COPIES - 1:
                vector, content = before
            else:
                vector = array("f", vectors[place].tobytes())
                content = self._content(number, place, int(minutes[place]), " ".join(captions[place]))
            before = vector, content
            path = f"{self._directory}/IMG_{number:07d}{' copy' if content['number'] != number else ''}.jpg"
            payload = content | self._about_file(number, path)
            del payload["number"]
            yield make_point(path, vector, payload)

    def _content(self, number: int, place: int, minute: int, caption: str) -> dict[str, Any]:
        """The fields that copies have in common."""
        rng = self._rng
        chances = rng.random(12)
        make, model, camera = self._cameras[place % 5 == 0]
        is_upright = bool(chances[0] < 0.3)
        width, height = (3024, 4032) if is_upright else (4032, 3024)
        content: dict[str, Any] = {
            "number": number,
            "format": "jpeg" if chances[1] < 0.9 else "heic",
            "size_bytes": int(rng.integers(2_000_000, 9_000_000)),
            "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
            "pixels": hashlib.sha256(f"pixels {number}".encode()).hexdigest()[:32],
            "width": width,
            "height": height,
            "orientation": 6 if is_upright else 1,
            "camera_make": make,
            "camera_model": model,
            "camera": camera,
            "lens": self._lenses[int(chances[2] * 3)] if chances[3] < 0.8 else None,
            "iso": int(100 * 2 ** int(chances[4] * 7)),
            "exposure_s": 1 / int(30 * 2 ** int(chances[5] * 7)),
            "f_number": round(1.4 + 10 * float(chances[6]), 1),
            "focal_length_mm": round(24 + 100 * float(chances[7]), 1),
            "title": caption.capitalize() if chances[8] < 0.1 else None,
            "description": f"{caption}, {caption}" if chances[8] < 0.05 else None,
            "keywords": self._keywords_of(rng) if self._is_tagged else [],
            "keywords_omitted": 3 if chances[8] < 0.001 else None,
            "people": [one for one in self._people if rng.random() < 0.3] if chances[9] < 0.6 else [],
            "rating": int(chances[10] * 20) - 14 if chances[10] >= 0.7 else None,
            "decode_path": "scaled" if chances[11] < 0.9 else "full",
            "damaged": "12 % of the picture are missing" if chances[11] > 0.999 else None,
            "caption": caption,
            "caption_confidence": round(float(chances[11]), 4),
            "embedding_producer": self._producer,
            "caption_producer": "caption blip-base@made 384x384-squash-bicubic auto 20-tokens-1-beam",
        }
        return content | self._dates(chances, minute) | (self._place(rng) if self._is_located else {})

    def _keywords_of(self, rng: np.random.Generator) -> list[str]:
        return sorted({value for keyword in self._keywords if rng.random() < 0.6 for value in keyword})

    def _dates(self, chances: np.ndarray, minute: int) -> dict[str, Any]:
        if chances[3] > 0.97:
            return {}
        local = self._day + timedelta(minutes=minute, seconds=int(60 * chances[2]))
        if chances[3] > 0.95:  # scanned: the year is known
            local, end, at, precision = local.replace(month=1, day=1, hour=0, minute=0, second=0), None, None, "year"
            end = local.replace(year=local.year + 1)
        else:
            end, at, precision = local + timedelta(seconds=1), f"{local.isoformat()}+02:00", "second"
        return {
            "taken_at": at or f"{local:%Y-%m-%d}",
            "taken_from": "original" if at else "digitized",
            "taken_precision": precision,
            "taken_local": local.isoformat(),
            "taken_local_end": end.isoformat(),
            "taken_local_from": "written",
            "taken_year": local.year,
            "taken_day": local.year * 10000 + (local.month * 100 + local.day if at else 0),
        }

    def _place(self, rng: np.random.Generator) -> dict[str, Any]:
        """A place near the city: most within 5 km."""
        north, east = rng.normal(0, 0.03, 2)
        latitude, longitude = self._city.latitude + float(north), self._city.longitude + float(east)
        return {
            "place": {"lat": round(latitude, 6), "lon": round((longitude + 180) % 360 - 180, 6)},
            **{field.name: cell_of(latitude, (longitude + 180) % 360 - 180, zoom) for zoom, field in MAP_CELLS.items()},
            "altitude_m": round(float(rng.gamma(2, 100)), 1),
            "city": self._city.name,
            "state": self._city.state,
            "country": self._city.country,
            "derived": ["city", "country"],
        }

    def _about_file(self, number: int, path: str) -> dict[str, Any]:
        """The fields that differ between copies."""
        return {
            "directory": self._directory,
            "partition": self._directory,
            "sidecars": [f"{path}.xmp"] if self._number % 10 == 0 else [],
            "sidecar_problem": "no XMP" if number % 5_000 == 1 else None,
            "run_id": f"00000000-0000-0000-0000-{self._number // 100:012d}",
            "ingested_at": "2026-11-25T12:00:00+00:00",
        }


_MADE: dict[int, np.ndarray] = {}


def _topics(dimension: int) -> np.ndarray:
    """The centres of the clusters, float32 `[_TOPICS, dimension]`, each with the common direction in it."""
    if dimension not in _MADE:
        rng = np.random.default_rng(dimension)
        common = _noise(rng, (1, dimension), 0.65)
        _MADE[dimension] = common + _noise(rng, (_TOPICS, dimension), 0.6)
    return _MADE[dimension]


def _noise(rng: np.random.Generator, shape: tuple[int, int], length: float) -> np.ndarray:
    """Random vectors in all directions, of about this length."""
    return rng.standard_normal(shape, np.float32) * np.float32(length / shape[1] ** 0.5)


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _one(rng: np.random.Generator, chances: np.ndarray) -> int:
    return int(np.searchsorted(np.cumsum(chances), rng.random() * chances.sum()).clip(max=len(chances) - 1))


def _choose(
    rng: np.random.Generator, values: tuple[str, ...], chances: np.ndarray, shape: tuple[int, int]
) -> list[list[str]]:
    found = np.searchsorted(np.cumsum(chances), rng.random(shape) * chances.sum()).clip(max=len(values) - 1)
    return [[values[number] for number in row] for row in found]


def _some(rng: np.random.Generator, values: tuple[Any, ...], chances: np.ndarray, count: int) -> list[Any]:
    return list(dict.fromkeys(values[_one(rng, chances)] for _ in range(count)))
