"""Queries of the collection: the photographs nearest to a vector, or in the order of their dates."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.hits import FIELDS, Hit, Sort, hit_of
from image_pipeline.collection.where import Absent, Condition, OneOf, Where
from image_pipeline.schema.payload import PATH, PIXELS, SHA256, TAKEN_LOCAL

_COPIES = 16
_READ = [*(one.name for one in FIELDS), PIXELS.name]


def nearest(
    engine: Engine, version: str, vector: Sequence[float], limit: int, conditions: Sequence[Condition]
) -> list[Hit]:
    """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

    The hit of a photograph with copies is the file whose path comes first.
    """
    found = _Photographs()

    def next_points(where: Where, count: int) -> list[HeldPoint]:
        return engine.nearest(version, vector, count, where, _READ)

    _collect(next_points, found, limit, conditions)
    hits = []
    for one, files in _with_files(engine, version, found.first(limit), conditions):
        first = min(files)
        copies = [payload for path, payload in files.items() if path != first]
        hits.append(hit_of(files[first], one.best.score, copies))
    return hits


def in_order_of_date(
    engine: Engine, version: str, limit: int, sort: Sort, conditions: Sequence[Condition]
) -> list[Hit]:
    """The first `limit` photographs by the photographer's clock, those without a date last; copies count once.

    The hit of a photograph with copies is the file whose date gives it its place. Their score is None.
    """
    found = _Photographs()

    def next_dated(where: Where, count: int) -> list[HeldPoint]:
        return engine.in_order(version, TAKEN_LOCAL.name, sort is Sort.NEWEST, count, where, _READ)

    def next_undated(where: Where, count: int) -> list[HeldPoint]:
        return engine.some_of_each(version, [where], count, _READ)[0]

    _collect(next_dated, found, limit, conditions)
    _collect(next_undated, found, limit, [*conditions, Absent(TAKEN_LOCAL.name)])
    hits = []
    for one, files in _with_files(engine, version, found.first(limit), conditions):
        best = str(one.best.payload[PATH.name])
        hits.append(hit_of(files[best], None, [payload for path, payload in files.items() if path != best]))
    return hits


@dataclass(eq=False)
class _Photograph:
    """A photograph: the point by which it was found, and the sha256 and pixels of its points."""

    best: HeldPoint
    keys: set[str] = field(default_factory=set)


class _Photographs:
    """The photographs that points belong to, in the order in which they were found.

    Points belong to the same photograph if their pixels or their contents are the same; points that were written by an
    older version have no pixels.
    """

    def __init__(self) -> None:
        self._found: list[_Photograph] = []
        self._by_key: dict[str, _Photograph] = {}

    def __len__(self) -> int:
        return len(self._found)

    @property
    def keys(self) -> Iterable[str]:
        """The sha256 and pixels of all points found so far, and of their copies as far as they are known."""
        return self._by_key

    def first(self, limit: int) -> list[_Photograph]:
        """The `limit` photographs that were found first."""
        return self._found[:limit]

    def add(self, point: HeldPoint) -> None:
        """Add the next point."""
        keys = _keys(point)
        same = sorted({self._by_key[key] for key in keys if key in self._by_key}, key=self._found.index)
        photograph, *others = same or [_Photograph(point)]
        if not same:
            self._found.append(photograph)
        for other in others:  # only this point shows that they are the same
            self._found.remove(other)
            keys |= other.keys
        photograph.keys |= keys
        self._by_key |= dict.fromkeys(keys, photograph)


def _collect(
    next_points: Callable[[Where, int], list[HeldPoint]],
    found: _Photographs,
    limit: int,
    conditions: Sequence[Condition],
) -> None:
    """Add the points that `next_points` returns, in its order, until there are `limit` photographs or no more points.

    Qdrant can group points by one field itself, but takes three times as long as these requests.
    """
    while len(found) < limit:
        points = next_points(Where(must=conditions, must_not=_having(found.keys)), 2 * limit)
        for point in points:
            found.add(point)
        if len(points) < 2 * limit:
            return


def _with_files(
    engine: Engine, version: str, found: Sequence[_Photograph], conditions: Sequence[Condition]
) -> Iterator[tuple[_Photograph, dict[str, Mapping[str, Any]]]]:
    """Each photograph with the payloads of its files, by path: the best one, and up to 15 others."""
    for one, points in zip(found, _files(engine, version, found, conditions), strict=True):
        best = str(one.best.payload[PATH.name])
        others = {str(point.payload[PATH.name]): point.payload for point in points}
        others.pop(best, None)
        kept = sorted(others)[: _COPIES - 1]
        yield one, {best: one.best.payload, **{path: others[path] for path in kept}}


def _files(
    engine: Engine, version: str, found: Sequence[_Photograph], conditions: Sequence[Condition]
) -> list[list[HeldPoint]]:
    """The points of each photograph: at least 16 of them, or all.

    One request is enough unless a photograph has very many copies. The embedded Qdrant examines all of its points for
    each request.
    """
    if not found:
        return []

    def having(keys: Iterable[str]) -> Where:
        return Where(must=conditions, should=_having(keys))

    by_key = {key: number for number, one in enumerate(found) for key in one.keys}
    limit = _COPIES * len(found)
    [points] = engine.some_of_each(version, [having(by_key)], limit, _READ)
    if len(points) == limit and len(found) > 1:
        return engine.some_of_each(version, [having(one.keys) for one in found], _COPIES, _READ)
    files: list[list[HeldPoint]] = [[] for _ in found]
    for point in points:
        for number in {by_key[key] for key in _keys(point) if key in by_key}:
            files[number].append(point)
    return files


def _keys(point: HeldPoint) -> set[str]:
    keys = point.payload[SHA256.name], point.payload.get(PIXELS.name)
    return {key for key in keys if key is not None}


def _having(keys: Iterable[str]) -> list[Condition]:
    """The conditions of which a point that has one of these sha256 or pixels meets at least one."""
    values = list(keys)
    return [OneOf(name, values) for name in (SHA256.name, PIXELS.name)] if values else []
