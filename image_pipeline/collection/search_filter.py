"""The filters of a search, as people give them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain


@dataclass(frozen=True)
class Near:
    """A circle on the globe: centre in degrees, radius in km."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class Box:
    """A rectangle on the globe, in degrees, with its borders; if `west` is greater, across the date line."""

    south: float
    west: float
    north: float
    east: float


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

    Filters can be combined: of each group in `any_of`, at least one lets a hit through, and of `none_of`, none does.
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
    box: Box | None = None
    any_of: "tuple[tuple[SearchFilter, ...], ...]" = ()
    none_of: "tuple[SearchFilter, ...]" = ()

    @property
    def within(self) -> "Iterator[SearchFilter]":
        """The filters that this one is combined of, without itself."""
        for one in (*chain.from_iterable(self.any_of), *self.none_of):
            yield one
            yield from one.within
