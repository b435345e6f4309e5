"""Hits of a search: photographs, each with what people want to see of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from image_pipeline.collection.typed_words import MatchedWord
from image_pipeline.schema.payload import (
    CAMERA_MAKE,
    CAMERA_MODEL,
    CAPTION,
    CITY,
    COUNTRY,
    HEIGHT,
    PATH,
    PIXELS,
    PLACE,
    SHA256,
    SIZE_BYTES,
    TAKEN_LOCAL,
    TAKEN_PRECISION,
    WIDTH,
    PayloadField,
)


class Sort(StrEnum):
    """The order of hits."""

    RELEVANCE = "relevance"
    """The best for the query first."""
    NEWEST = "newest"
    """By the photographer's clock, the latest first; those without a date last."""
    OLDEST = "oldest"
    """By the photographer's clock, the earliest first; those without a date last."""


@dataclass(frozen=True)
class Matched:
    """Why a photograph was found: the words of the query that it has, and the cosine similarity of its picture."""

    words: tuple[MatchedWord, ...]
    picture: float


@dataclass(frozen=True)
class Hit:
    """A photograph that was found.

    `score` is the cosine similarity to the query, None without one. `copies` are other files with the same picture:
    the same pixels, width and height. Those of them with the same `sha256` are `identical`. `caption` is empty if there
    is none. `close` is whether it is close to the words, None if that is not known. `matched` is None if it was not
    searched by words. The other fields are those of the payload, by the same names; None if unknown.
    """

    path: str
    score: float | None
    caption: str
    sha256: str
    copies: tuple[str, ...] = ()
    identical: tuple[str, ...] = ()
    taken_local: str | None = None
    taken_precision: str | None = None
    place: Mapping[str, float] | None = None
    city: str | None = None
    country: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    width: int | None = None
    height: int | None = None
    size_bytes: int | None = None
    pixels: str | None = None
    close: bool | None = None
    matched: Matched | None = None

    @property
    def keys(self) -> frozenset[str]:
        """What tells whether another file has the same picture: its sha256 and its pixels."""
        return frozenset(key for key in (self.sha256, self.pixels) if key is not None)


_SHOWN = (
    *(TAKEN_LOCAL, TAKEN_PRECISION, PLACE, CITY, COUNTRY),
    *(CAMERA_MAKE, CAMERA_MODEL, WIDTH, HEIGHT, SIZE_BYTES, PIXELS),
)

FIELDS: tuple[PayloadField, ...] = (PATH, CAPTION, SHA256, *_SHOWN)
"""The fields of the payload that a hit is made of."""


def hit_of(
    payload: Mapping[str, Any],
    score: float | None,
    copies: Iterable[Mapping[str, Any]],
    words: tuple[MatchedWord, ...] | None = None,
) -> Hit:
    """The hit for the file with this `payload`; `copies` are the payloads of the other files with the same picture.

    `score` is the cosine similarity of its picture to the query, None without one. `words` are those of the query that
    it has, None if the query is not of words.
    """
    content = payload[SHA256.name]
    others = {str(copy[PATH.name]): copy.get(SHA256.name) for copy in copies}
    paths = sorted(others)
    return Hit(
        path=str(payload[PATH.name]),
        score=score,
        caption=payload.get(CAPTION.name) or "",
        sha256=content,
        copies=tuple(paths),
        identical=tuple(path for path in paths if others[path] == content),
        matched=None if words is None or score is None else Matched(words, score),
        **{field.name: payload.get(field.name) for field in _SHOWN},
    )


def by_date(hits: Iterable[Hit], sort: Sort) -> list[Hit]:
    """The same hits, sorted by the photographer's clock; those without a date last, by path."""
    dated = [hit for hit in hits if hit.taken_local is not None]
    undated = [hit for hit in hits if hit.taken_local is None]
    dated.sort(key=lambda hit: str(hit.taken_local), reverse=sort is Sort.NEWEST)
    return [*dated, *sorted(undated, key=lambda hit: hit.path)]
