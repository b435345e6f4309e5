"""Vector search in the collection, filtered by place, time, camera or words of the caption."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from image_pipeline.schema.payload import (
    CAMERA_MODEL,
    CAPTION,
    PATH,
    PIXELS,
    PLACE,
    SHA256,
    TAKEN_AT,
    TAKEN_LOCAL,
    TAKEN_LOCAL_END,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_COPIES = 16
_GROUPED = [PATH.name, CAPTION.name, SHA256.name, PIXELS.name]


@dataclass(frozen=True)
class Near:
    """A circle on the globe: centre in degrees, radius in km."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class SearchFilter:
    """Filters that a hit must satisfy; None: no filter.

    `after` (inclusive) and `before` (exclusive) are the photographer's clock if they have no tzinfo: a photograph whose
    date is known in part matches if it may have been taken then. With a tzinfo, they are compared with `taken_at`.
    """

    near: Near | None = None
    after: datetime | None = None
    before: datetime | None = None
    camera: str | None = None
    words: str | None = None


@dataclass(frozen=True)
class Hit:
    """A photograph that was found: `score` is the cosine similarity, `copies` other files with the same picture.

    A copy has the same pixels, width and height; only files with the same `sha256` are identical.
    """

    path: str
    score: float
    caption: str
    sha256: str
    copies: tuple[str, ...] = ()


def nearest(
    client: "QdrantClient", version: str, vector: Sequence[float], limit: int, search_filter: SearchFilter
) -> list[Hit]:
    """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

    Points belong to the same photograph if their pixels or their contents are the same; points that were written by an
    older version have no pixels. Qdrant can group points by one field itself, but takes three times as long as the
    queries here.
    """
    from qdrant_client import models

    conditions = conditions_of(search_filter)

    found: list[_Found] = []
    by_key: dict[str, _Found] = {}
    while len(found) < limit:
        points = client.query_points(
            version,
            query=list(vector),
            limit=2 * limit,
            query_filter=models.Filter(must=conditions, must_not=_having(by_key)),
            with_payload=_GROUPED,
        ).points
        for point in points:
            keys = _keys(point)
            same = sorted({by_key[key] for key in keys if key in by_key}, key=lambda one: -one.best.score)
            photograph, *others = same or [_Found(point, set())]
            if not same:
                found.append(photograph)
            for other in others:  # only this point shows that they are the same
                found.remove(other)
                keys |= other.keys
            photograph.keys |= keys
            by_key |= dict.fromkeys(keys, photograph)
        if len(points) < 2 * limit:
            break
    return _with_copies(client, version, found[:limit], conditions)


@dataclass(eq=False)
class _Found:
    """A photograph: its best point, and the sha256 and pixels of its points, all of which are in `keys`."""

    best: "models.ScoredPoint"
    keys: set[str]


def _with_copies(
    client: "QdrantClient", version: str, found: Sequence[_Found], conditions: "list[models.Condition]"
) -> list[Hit]:
    """One hit per photograph: the first path of its files, and the others as copies."""
    from qdrant_client import models

    requests = [
        models.QueryRequest(
            filter=models.Filter(must=conditions, should=_having(one.keys)), limit=_COPIES, with_payload=_GROUPED
        )
        for one in found
    ]
    answers = client.query_batch_points(version, requests) if requests else []
    hits = []
    for one, answer in zip(found, answers, strict=True):
        files = {str(_payload(point)[PATH.name]): _payload(point) for point in (one.best, *answer.points)}
        path, *copies = sorted(files)[:_COPIES]
        payload = files[path]
        caption = payload.get(CAPTION.name) or ""
        hits.append(Hit(path, one.best.score, caption, payload[SHA256.name], tuple(copies)))
    return hits


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


def conditions_of(search_filter: SearchFilter) -> "list[models.Condition]":
    """The conditions that Qdrant filters by: one for each filter that is set."""
    from qdrant_client import models

    must: list[models.Condition] = []
    if search_filter.near is not None:
        centre = models.GeoPoint(lat=search_filter.near.latitude, lon=search_filter.near.longitude)
        radius = models.GeoRadius(center=centre, radius=search_filter.near.radius_km * 1000)
        must.append(models.FieldCondition(key=PLACE.name, geo_radius=radius))
    must += _times(search_filter.after, search_filter.before)
    if search_filter.camera is not None:
        must.append(models.FieldCondition(key=CAMERA_MODEL.name, match=models.MatchValue(value=search_filter.camera)))
    if search_filter.words is not None:
        must.append(models.FieldCondition(key=CAPTION.name, match=models.MatchText(text=search_filter.words)))
    return must


def _times(after: datetime | None, before: datetime | None) -> "list[models.Condition]":
    from qdrant_client import models

    ranges = []
    if after is not None:
        key, bound = (TAKEN_LOCAL_END, {"gt": after}) if after.tzinfo is None else (TAKEN_AT, {"gte": after})
        ranges.append((key, bound))
    if before is not None:
        ranges.append((TAKEN_LOCAL if before.tzinfo is None else TAKEN_AT, {"lt": before}))
    return [models.FieldCondition(key=key.name, range=models.DatetimeRange(**bound)) for key, bound in ranges]
