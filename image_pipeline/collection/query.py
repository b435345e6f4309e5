"""Vector search in the collection, filtered by place, time, camera or words of the caption."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.where import Condition, OneOf, Times, Where, Within, Words
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
    engine: Engine, version: str, vector: Sequence[float], limit: int, search_filter: SearchFilter
) -> list[Hit]:
    """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

    Points belong to the same photograph if their pixels or their contents are the same; points that were written by an
    older version have no pixels. Qdrant can group points by one field itself, but takes three times as long as the
    queries here.
    """
    conditions = conditions_of(search_filter)
    found: list[_Found] = []
    by_key: dict[str, _Found] = {}
    while len(found) < limit:
        where = Where(must=conditions, must_not=_having(by_key))
        points = engine.nearest(version, vector, 2 * limit, where, _GROUPED)
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
    return _with_copies(engine, version, found[:limit], conditions)


@dataclass(eq=False)
class _Found:
    """A photograph: its best point, and the sha256 and pixels of its points, all of which are in `keys`."""

    best: HeldPoint
    keys: set[str]


def _with_copies(engine: Engine, version: str, found: Sequence[_Found], conditions: list[Condition]) -> list[Hit]:
    """One hit per photograph: the first path of its files, and the others as copies."""
    wheres = [Where(must=conditions, should=_having(one.keys)) for one in found]
    hits = []
    for one, same in zip(found, engine.some_of_each(version, wheres, _COPIES, _GROUPED), strict=True):
        files = {str(point.payload[PATH.name]): point.payload for point in (one.best, *same)}
        path, *copies = sorted(files)[:_COPIES]
        payload = files[path]
        caption = payload.get(CAPTION.name) or ""
        hits.append(Hit(path, one.best.score, caption, payload[SHA256.name], tuple(copies)))
    return hits


def _keys(point: HeldPoint) -> set[str]:
    keys = point.payload[SHA256.name], point.payload.get(PIXELS.name)
    return {key for key in keys if key is not None}


def _having(keys: Iterable[str]) -> list[Condition]:
    """The conditions of which a point that has one of these sha256 or pixels meets at least one."""
    values = list(keys)
    return [OneOf(name, values) for name in (SHA256.name, PIXELS.name)] if values else []


def conditions_of(search_filter: SearchFilter) -> list[Condition]:
    """The conditions that Qdrant filters by: one for each filter that is set."""
    must: list[Condition] = []
    near = search_filter.near
    if near is not None:
        must.append(Within(PLACE.name, near.latitude, near.longitude, near.radius_km * 1000))
    must += _times(search_filter.after, search_filter.before)
    if search_filter.camera is not None:
        must.append(OneOf(CAMERA_MODEL.name, [search_filter.camera]))
    if search_filter.words is not None:
        must.append(Words(CAPTION.name, search_filter.words))
    return must


def _times(after: datetime | None, before: datetime | None) -> list[Condition]:
    ranges: list[Condition] = []
    if after is not None:
        is_local = after.tzinfo is None
        ranges.append(Times(TAKEN_LOCAL_END.name, gt=after) if is_local else Times(TAKEN_AT.name, gte=after))
    if before is not None:
        ranges.append(Times((TAKEN_LOCAL if before.tzinfo is None else TAKEN_AT).name, lt=before))
    return ranges
