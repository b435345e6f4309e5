"""Queries of the collection: the photographs nearest to a vector, or in the order of their dates."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from image_pipeline.collection.hits import FIELDS, Hit, Sort, hit_of
from image_pipeline.schema.payload import PATH, PIXELS, SHA256, TAKEN_LOCAL

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_COPIES = 16
_READ = [*(one.name for one in FIELDS), PIXELS.name]


def nearest(
    client: "QdrantClient", version: str, vector: Sequence[float], limit: int, conditions: "list[models.Condition]"
) -> list[Hit]:
    """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

    The hit of a photograph with copies is the file whose path comes first.
    """
    found = _Photographs()
    _collect(client, version, found, limit, list(vector), conditions)
    hits = []
    for one, files in _with_files(client, version, found.first(limit), conditions):
        first = min(files)
        copies = [payload for path, payload in files.items() if path != first]
        hits.append(hit_of(files[first], one.best.score, copies))
    return hits


def in_order_of_date(
    client: "QdrantClient", version: str, limit: int, sort: Sort, conditions: "list[models.Condition]"
) -> list[Hit]:
    """The first `limit` photographs by the photographer's clock, those without a date last; copies count once.

    The hit of a photograph with copies is the file whose date gives it its place. Their score is None.
    """
    from qdrant_client import models

    direction = models.Direction.DESC if sort is Sort.NEWEST else models.Direction.ASC
    order = models.OrderByQuery(order_by=models.OrderBy(key=TAKEN_LOCAL.name, direction=direction))
    undated = models.IsEmptyCondition(is_empty=models.PayloadField(key=TAKEN_LOCAL.name))
    found = _Photographs()
    _collect(client, version, found, limit, order, conditions)
    _collect(client, version, found, limit, None, [*conditions, undated])
    hits = []
    for one, files in _with_files(client, version, found.first(limit), conditions):
        best = str(_payload(one.best)[PATH.name])
        hits.append(hit_of(files[best], None, [payload for path, payload in files.items() if path != best]))
    return hits


@dataclass(eq=False)
class _Photograph:
    """A photograph: the point by which it was found, and the sha256 and pixels of its points."""

    best: "models.ScoredPoint"
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

    def add(self, point: "models.ScoredPoint") -> None:
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
    client: "QdrantClient",
    version: str,
    found: _Photographs,
    limit: int,
    query: "list[float] | models.OrderByQuery | None",
    conditions: "list[models.Condition]",
) -> None:
    """Add the points that `query` returns, in its order, until there are `limit` photographs or no more points.

    Qdrant can group points by one field itself, but takes three times as long as these requests.
    """
    from qdrant_client import models

    while len(found) < limit:
        points = client.query_points(
            version,
            query=query,
            limit=2 * limit,
            query_filter=models.Filter(must=conditions, must_not=_having(found.keys)),
            with_payload=_READ,
        ).points
        for point in points:
            found.add(point)
        if len(points) < 2 * limit:
            return


def _with_files(
    client: "QdrantClient", version: str, found: Sequence[_Photograph], conditions: "list[models.Condition]"
) -> Iterator[tuple[_Photograph, dict[str, dict[str, Any]]]]:
    """Each photograph with the payloads of its files, by path: the best one, and up to 15 others."""
    for one, points in zip(found, _files(client, version, found, conditions), strict=True):
        best = str(_payload(one.best)[PATH.name])
        others = {str(_payload(point)[PATH.name]): _payload(point) for point in points}
        others.pop(best, None)
        kept = sorted(others)[: _COPIES - 1]
        yield one, {best: _payload(one.best), **{path: others[path] for path in kept}}


def _files(
    client: "QdrantClient", version: str, found: Sequence[_Photograph], conditions: "list[models.Condition]"
) -> "list[list[models.ScoredPoint]]":
    """The points of each photograph: at least 16 of them, or all.

    One request is enough unless a photograph has very many copies. The embedded Qdrant examines all of its points for
    each request.
    """
    from qdrant_client import models

    if not found:
        return []

    def request(keys: Iterable[str], limit: int) -> models.QueryRequest:
        having = models.Filter(must=conditions, should=_having(keys))
        return models.QueryRequest(filter=having, limit=limit, with_payload=_READ)

    by_key = {key: number for number, one in enumerate(found) for key in one.keys}
    limit = _COPIES * len(found)
    [answer] = client.query_batch_points(version, [request(by_key, limit)])
    if len(answer.points) == limit and len(found) > 1:
        answers = client.query_batch_points(version, [request(one.keys, _COPIES) for one in found])
        return [answer.points for answer in answers]
    files: list[list[models.ScoredPoint]] = [[] for _ in found]
    for point in answer.points:
        for number in {by_key[key] for key in _keys(point) if key in by_key}:
            files[number].append(point)
    return files


def _keys(point: "models.ScoredPoint") -> set[str]:
    payload = _payload(point)
    keys = payload[SHA256.name], payload.get(PIXELS.name)
    return {key for key in keys if key is not None}


def _payload(point: "models.ScoredPoint") -> dict[str, Any]:
    return point.payload or {}


def _having(keys: Iterable[str]) -> "list[models.Condition]":
    """The conditions of which a point that has one of these sha256 or pixels meets at least one."""
    from qdrant_client import models

    among = models.MatchAny(any=list(keys))
    return [models.FieldCondition(key=name, match=among) for name in (SHA256.name, PIXELS.name)] if among.any else []
