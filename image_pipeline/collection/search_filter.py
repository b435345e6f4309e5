"""The filters of a search, as people give them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Near:
    """A circle on the globe: centre in degrees, radius in km."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class Span:
    """Whole numbers from `low` to `high`, both included; None: no limit on that side."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class SearchFilter:
    """Filters that a hit must satisfy; None or empty: no filter.

    `after` (inclusive) and `before` (exclusive) are the photographer's clock if they have no tzinfo: a photograph whose
    date is known in part matches if it may have been taken then. With a tzinfo, they are compared with `taken_at`.

    Upper and lower case are the same in texts. `camera` (maker and model), `lens` and each of `people` are a part of
    the value; each of `keywords`, `city`, `country` and `format` are the whole value. A hit has all of `keywords` and
    `people`, and none of `not_keywords`. `words` are words of the caption. `directory` (text, relative to the library,
    in its exact spelling; empty: the library itself) includes everything below it.
    """

    near: Near | None = None
    after: datetime | None = None
    before: datetime | None = None
    camera: str | None = None
    words: str | None = None
    lens: str | None = None
    keywords: tuple[str, ...] = ()
    not_keywords: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    rating: Span | None = None
    iso: Span | None = None
    format: str | None = None
    directory: str | None = None
    city: str | None = None
    country: str | None = None
