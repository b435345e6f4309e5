"""Vector search in the collection, filtered by place, time, camera or words of the caption."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from image_pipeline.schema.payload import (
    CAMERA_MODEL,
    CAPTION,
    PATH,
    PLACE,
    SHA256,
    TAKEN_AT,
    TAKEN_LOCAL,
    TAKEN_LOCAL_END,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_COPIES = 16


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
    """A photograph that was found: `score` is the cosine similarity, `copies` other files with the same content."""

    path: str
    score: float
    caption: str
    sha256: str
    copies: tuple[str, ...] = ()


def nearest(
    client: "QdrantClient", version: str, vector: Sequence[float], limit: int, search_filter: SearchFilter
) -> list[Hit]:
    """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

    Qdrant can group points by content itself, but takes three times as long as the queries here.
    """
    from qdrant_client import models

    conditions = conditions_of(search_filter)

    found: dict[str, models.ScoredPoint] = {}
    while len(found) < limit:
        points = client.query_points(
            version,
            query=list(vector),
            limit=2 * limit,
            query_filter=models.Filter(must=conditions, must_not=[_content(*found)] if found else None),
            with_payload=[PATH.name, CAPTION.name, SHA256.name],
        ).points
        for point in points:
            found.setdefault(_payload(point)[SHA256.name], point)
        if len(points) < 2 * limit:
            break
    return _with_copies(client, version, dict(islice(found.items(), limit)), conditions)


def _with_copies(
    client: "QdrantClient", version: str, found: "dict[str, models.ScoredPoint]", conditions: "list[models.Condition]"
) -> list[Hit]:
    """One hit per content: the first path of the files that have it, and the others as copies."""
    from qdrant_client import models

    requests = [
        models.QueryRequest(
            filter=models.Filter(must=[*conditions, _content(sha256)]), limit=_COPIES, with_payload=[PATH.name]
        )
        for sha256 in found
    ]
    answers = client.query_batch_points(version, requests) if requests else []
    hits = []
    for (sha256, best), answer in zip(found.items(), answers, strict=True):
        paths = {str(_payload(point)[PATH.name]) for point in (best, *answer.points)}
        path, *copies = sorted(paths)[:_COPIES]
        hits.append(Hit(path, best.score, _payload(best).get(CAPTION.name) or "", sha256, tuple(copies)))
    return hits


def _payload(point: "models.ScoredPoint") -> dict[str, Any]:
    return point.payload or {}


def _content(*sha256: str) -> "models.Condition":
    from qdrant_client import models

    return models.FieldCondition(key=SHA256.name, match=models.MatchAny(any=list(sha256)))


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
