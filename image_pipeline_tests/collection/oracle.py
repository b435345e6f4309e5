"""A collection in plain Python: a dictionary of points, filtered and sorted one by one.

The contract tests compare what each kind of Qdrant answers with the answers of this model.
"""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from image_pipeline.collection.hits import Hit
from image_pipeline.collection.points import Point
from image_pipeline.collection.search_filter import Box, Near, SearchFilter

_EARTH_KM = 6371.0088
_COPIES = 16


class Oracle:
    """The points that a version of the collection should hold."""

    def __init__(self, points: Iterable[Point] = ()) -> None:
        self.points = {point.id: point for point in points}

    def upsert(self, points: Iterable[Point]) -> None:
        self.points |= {point.id: point for point in points}

    def delete(self, ids: Iterable[str], partition: str | None = None) -> None:
        """Delete points by id; only those of `partition` if it is given."""
        for id_ in ids:
            if id_ in self.points and partition in (None, self.points[id_].payload["partition"]):
                del self.points[id_]

    def of(self, partition: str) -> list[Point]:
        return [point for point in self.points.values() if point.payload["partition"] == partition]

    def digests(self, partitions: Iterable[str]) -> dict[str, dict[str, str]]:
        return {key: {point.id: point.digest for point in self.of(key)} for key in partitions}

    def nearest(self, vector: Sequence[float], limit: int, search_filter: SearchFilter) -> list[Hit]:
        """The hits, best first; those of equal score in the order of their paths."""
        found = [point for point in self.points.values() if matches(point.payload, search_filter)]
        hits = [_hit(group, vector) for group in photographs(found)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.path))[:limit]


def matches(payload: Any, asked: SearchFilter) -> bool:
    """Whether a payload satisfies filters by place, time, camera and words, and combinations of these.

    `test_filters` has the others.
    """
    return (
        (asked.near is None or _is_near(payload.get("place"), asked.near))
        and (asked.box is None or _is_in(payload.get("place"), asked.box))
        and _is_after(payload, asked.after)
        and _is_before(payload, asked.before)
        and (asked.camera is None or asked.camera.lower() in payload.get("camera", "").lower())
        and (asked.words is None or _words(asked.words) <= _words(payload.get("caption")))
        and all(any(matches(payload, one) for one in group) for group in asked.any_of)
        and not any(matches(payload, one) for one in asked.none_of)
    )


def _is_near(place: dict[str, float] | None, near: Near) -> bool:
    if place is None:
        return False
    here, there = np.radians([place["lat"], place["lon"]]), np.radians([near.latitude, near.longitude])
    half = (there - here) / 2
    root = math.sin(half[0]) ** 2 + math.cos(here[0]) * math.cos(there[0]) * math.sin(half[1]) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(root)) < near.radius_km


def _is_in(place: dict[str, float] | None, box: Box) -> bool:
    if place is None or not box.south <= place["lat"] <= box.north:
        return False
    is_east, is_west = box.west <= place["lon"], place["lon"] <= box.east
    return (is_east and is_west) if box.west <= box.east else (is_east or is_west)


def _is_after(payload: Any, after: datetime | None) -> bool:
    if after is None:
        return True
    if after.tzinfo is not None:
        taken = _moment(payload.get("taken_at"))
        return taken is not None and taken >= after
    end = _moment(payload.get("taken_local_end"))
    return end is not None and end > after.replace(tzinfo=UTC)


def _is_before(payload: Any, before: datetime | None) -> bool:
    if before is None:
        return True
    taken = _moment(payload.get("taken_local" if before.tzinfo is None else "taken_at"))
    return taken is not None and taken < (before.replace(tzinfo=UTC) if before.tzinfo is None else before)


def _moment(text: str | None) -> datetime | None:
    """A time without an offset counts as UTC."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _words(text: str | None) -> set[str]:
    return set(re.findall(r"\w+", (text or "").lower()))


def photographs(points: Sequence[Point]) -> list[list[Point]]:
    """Points that share a sha256 or their pixels, also by way of other points, are one photograph."""
    groups: list[list[Point]] = []
    for point in points:
        same = [group for group in groups if any(_keys(point) & _keys(other) for other in group)]
        groups = [group for group in groups if group not in same]
        groups.append([point, *(other for group in same for other in group)])
    return groups


def _keys(point: Point) -> set[tuple[str, str]]:
    return {(name, point.payload[name]) for name in ("sha256", "pixels") if name in point.payload}


def _hit(group: Sequence[Point], vector: Sequence[float]) -> Hit:
    paths = sorted(group, key=lambda point: str(point.payload["path"]))
    first, *copies = [str(point.payload["path"]) for point in paths][:_COPIES]
    score = max(float(np.dot(point.vector, vector)) for point in group)
    payload = paths[0].payload
    return Hit(first, score, payload.get("caption", ""), payload["sha256"], tuple(copies))
