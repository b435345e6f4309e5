"""Photographs: points that show the same picture count as one, however many files it is in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.hits import FIELDS
from image_pipeline.collection.where import Condition, Ids, OneOf, Where
from image_pipeline.schema.payload import PATH, PIXELS, SHA256

MOST_FILES = 16
"""The maximum number of files that are known of a photograph."""

READ = [one.name for one in FIELDS]
"""The fields of the payload that are read of a point."""


@dataclass(eq=False)
class Photograph:
    """A photograph: the points by which it was found, the first one first, and the sha256 and pixels of its points."""

    points: list[HeldPoint]
    keys: set[str] = field(default_factory=set)

    @property
    def best(self) -> HeldPoint:
        """The point by which it was found first."""
        return self.points[0]


class Photographs:
    """The photographs that points belong to, in the order in which they were found.

    Points belong to the same photograph if their pixels or their contents are the same; points that were written by an
    older version have no pixels.
    """

    def __init__(self) -> None:
        self._found: list[Photograph] = []
        self._by_key: dict[str, Photograph] = {}

    def __len__(self) -> int:
        return len(self._found)

    @property
    def keys(self) -> Iterable[str]:
        """The sha256 and pixels of all points found so far, and of their copies as far as they are known."""
        return self._by_key

    def first(self, limit: int) -> list[Photograph]:
        """The `limit` photographs that were found first."""
        return self._found[:limit]

    def add(self, point: HeldPoint) -> None:
        """Add the next point."""
        keys = keys_of(point)
        same = sorted({self._by_key[key] for key in keys if key in self._by_key}, key=self._found.index)
        photograph, *others = same or [Photograph([])]
        if not same:
            self._found.append(photograph)
        for other in others:  # only this point shows that they are the same
            self._found.remove(other)
            keys |= other.keys
            photograph.points += other.points
        photograph.points.append(point)
        photograph.keys |= keys
        self._by_key |= dict.fromkeys(keys, photograph)


def collect(
    next_points: Callable[[Where, int], list[HeldPoint]],
    found: Photographs,
    limit: int,
    conditions: Sequence[Condition],
    count: int | None = None,
) -> None:
    """Add the points that `next_points` returns, in its order, until there are `limit` photographs or no more points.

    `count` points are asked for at a time; by default, twice `limit`, because some will be copies.

    Qdrant can group points by one field itself, but takes three times as long as these requests.
    """
    count = count or 2 * limit
    while len(found) < limit:
        points = next_points(Where(must=conditions, must_not=_having(found.keys)), count)
        for point in points:
            found.add(point)
        if len(points) < count:
            return


def with_files(
    engine: Engine,
    version: str,
    found: Sequence[Photograph],
    conditions: Sequence[Condition],
    fields: Sequence[str] = READ,
) -> Iterator[tuple[Photograph, dict[str, Mapping[str, Any]]]]:
    """Each photograph with the payloads of its files, by path: the best one, as it was found, and up to 15 others."""
    for one, points in zip(found, _files(engine, version, found, conditions, fields), strict=True):
        best = str(one.best.payload[PATH.name])
        others = {str(point.payload[PATH.name]): point.payload for point in points}
        others.pop(best, None)
        kept = sorted(others)[: MOST_FILES - 1]
        yield one, {best: one.best.payload, **{path: others[path] for path in kept}}


def _files(
    engine: Engine,
    version: str,
    found: Sequence[Photograph],
    conditions: Sequence[Condition],
    fields: Sequence[str] = READ,
) -> list[list[HeldPoint]]:
    """The points of each photograph without its best one: at least 15 of them, or all.

    One request is enough unless a photograph has very many copies. The embedded Qdrant examines all of its points for
    each request. The best ones are left out because reading a payload takes longer than finding its point.
    """
    if not found:
        return []
    best = Ids([one.best.id for one in found])

    def having(keys: Iterable[str]) -> Where:
        return Where(must=conditions, should=_having(keys), must_not=[best])

    by_key = {key: number for number, one in enumerate(found) for key in one.keys}
    limit = MOST_FILES * len(found)
    [points] = engine.some_of_each(version, [having(by_key)], limit, fields)
    if len(points) == limit and len(found) > 1:
        return engine.some_of_each(version, [having(one.keys) for one in found], MOST_FILES, fields)
    files: list[list[HeldPoint]] = [[] for _ in found]
    for point in points:
        for number in {by_key[key] for key in keys_of(point) if key in by_key}:
            files[number].append(point)
    return files


def of_same_picture(keys: Iterable[str]) -> Condition:
    """The condition that a point has one of these sha256 or pixels."""
    return Where(should=_having(keys))


def other_than(keys: Iterable[str]) -> list[Condition]:
    """The conditions that points meet if they are of none of the photographs with these sha256 and pixels."""
    having = _having(keys)
    return [Where(must_not=having)] if having else []


def keys_of(point: HeldPoint) -> set[str]:
    """The sha256 and pixels of a point."""
    keys = point.payload[SHA256.name], point.payload.get(PIXELS.name)
    return {key for key in keys if key is not None}


def _having(keys: Iterable[str]) -> list[Condition]:
    """The conditions of which a point that has one of these sha256 or pixels meets at least one."""
    values = list(keys)
    return [OneOf(name, values) for name in (SHA256.name, PIXELS.name)] if values else []
