"""Lookups: the values in a collection that a text of a search filter stands for, in any case and in part.

Qdrant compares whole values, letter by letter. So the distinct values of a field are fetched (a facet), the text is
compared with each of them here, and Qdrant filters by those that match. This needs only keyword indexes, and the values
are known when nothing matches.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum, auto
from itertools import chain
from typing import Any

from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.schema.payload import (
    CAMERA,
    CAMERA_MAKE,
    CITY,
    COUNTRY,
    DIRECTORY,
    FORMAT,
    KEYWORDS,
    LENS,
    PEOPLE,
    PayloadField,
)

Counts = Mapping[str, int]
"""The distinct values of a field, and the number of points that have each."""

_MOST_COMPARED = 2000
_MOST_NAMED = 5
_SIMILAR = 0.6


class Match(Enum):
    """How a text is compared with a value."""

    PART = auto()
    """The value contains it, in any case."""
    WHOLE = auto()
    """The value is equal, in any case."""
    PATH = auto()
    """The value is a path of keywords: this one or one below it, in any case."""
    BELOW = auto()
    """The value is a directory: this one or one below it; in any case, if there is none in this spelling."""


@dataclass(frozen=True)
class Lookup:
    """A text to look up in fields of the payload; `is_excluded`: hits must not have these values."""

    fields: tuple[PayloadField, ...]
    text: str
    match: Match
    is_excluded: bool = False

    @property
    def field(self) -> PayloadField:
        """The field whose values are shown to people."""
        return self.fields[0]

    def among(self, values: Iterable[str]) -> list[str]:
        """Those of `values` that the text stands for."""
        text = _folded(self.text)
        match self.match:
            case Match.PART:
                return [value for value in values if text in _folded(value)]
            case Match.WHOLE:
                return [value for value in values if text == _folded(value)]
            case Match.PATH:
                path = text.replace("|", "/")
                return [value for value in values if f"{_folded(value)}/".startswith(f"{path}/")]
            case Match.BELOW:
                values = list(values)
                exact = [value for value in values if f"{value}/".startswith(f"{self.text}/")]
                return exact or [value for value in values if f"{_folded(value)}/".startswith(f"{text}/")]


@dataclass(frozen=True)
class Among:
    """The condition that one of the fields has one of these values; `is_excluded`: that none has."""

    names: tuple[str, ...]
    values: tuple[str, ...]
    is_excluded: bool = False

    @property
    def is_impossible(self) -> bool:
        """Whether no point can meet it."""
        return not self.values and not self.is_excluded


@dataclass(frozen=True)
class Unmatched:
    """A text of a filter that no photograph matches.

    `known` are values that exist: those similar to the text, or else the most frequent ones. `others` is the number of
    values that are not in `known`.
    """

    field: str
    text: str
    known: tuple[str, ...]
    others: int


def lookups(search_filter: SearchFilter) -> Iterator[Lookup]:
    """The texts of a filter that have to be looked up, without those of the filters that it is combined of."""
    if search_filter.camera is not None:
        yield Lookup((CAMERA, CAMERA_MAKE), search_filter.camera, Match.PART)
    if search_filter.lens is not None:
        yield Lookup((LENS,), search_filter.lens, Match.PART)
    yield from (Lookup((PEOPLE,), person, Match.PART) for person in search_filter.people)
    yield from (Lookup((KEYWORDS,), keyword, Match.PATH) for keyword in search_filter.keywords)
    yield from (Lookup((KEYWORDS,), keyword, Match.PATH, is_excluded=True) for keyword in search_filter.not_keywords)
    for field in (FORMAT, CITY, COUNTRY):
        text = getattr(search_filter, field.name)
        if text is not None:
            yield Lookup((field,), text, Match.WHOLE)
    if search_filter.directory is not None and search_filter.directory != "":
        yield Lookup((DIRECTORY,), search_filter.directory, Match.BELOW)


def resolved(search_filter: SearchFilter, counts_of: Callable[[PayloadField], Counts]) -> list[Among]:
    """The conditions that the texts of a filter stand for, likewise. `counts_of` returns the values of a field.

    Where a whole value is meant, the text itself is always among the values: if a field has more values than
    `counts_of` returns, the exact spelling still finds all of them.
    """
    conditions = []
    for lookup in lookups(search_filter):
        values = dict.fromkeys(() if lookup.match is Match.PART else (lookup.text,))
        for field in lookup.fields:
            values |= dict.fromkeys(lookup.among(counts_of(field)))
        conditions.append(Among(tuple(field.name for field in lookup.fields), tuple(values), lookup.is_excluded))
    return conditions


def unmatched(search_filter: SearchFilter, counts_of: Callable[[PayloadField], Counts]) -> list[Unmatched]:
    """The texts of a filter that match no value. `counts_of` returns the values of a field."""
    found = []
    for lookup in chain.from_iterable(map(lookups, (search_filter, *search_filter.within))):
        if not any(lookup.among(counts_of(field)) for field in lookup.fields):
            counts = counts_of(lookup.field)
            known = _similar(lookup.text, counts) or _frequent(counts)
            found.append(Unmatched(lookup.field.name, lookup.text, known, len(counts) - len(known)))
    return found


def _frequent(counts: Counts) -> tuple[str, ...]:
    return tuple(by_frequency(counts.items(), _MOST_NAMED))


def by_frequency(counts: Iterable[tuple[Any, int]], limit: int | None = None) -> dict[Any, int]:
    """Values with their counts, the most frequent first, equally frequent ones by name."""
    return dict(sorted(counts, key=lambda one: (-one[1], one[0]))[:limit])


def _similar(text: str, counts: Counts) -> tuple[str, ...]:
    """The values that resemble `text`, or contain a word that does, best first."""
    wanted = SequenceMatcher(b=_plain(text), autojunk=False)
    scores: dict[str, float] = {}
    for value in by_frequency(counts.items(), _MOST_COMPARED):
        plain = _plain(value)
        scores[value] = max(_ratio(wanted, part) for part in (plain, *_words(plain)))
    close = sorted((value for value, score in scores.items() if score >= _SIMILAR), key=lambda one: -scores[one])
    return tuple(close[:_MOST_NAMED])


def _words(text: str) -> Sequence[str]:
    return text.replace("/", " ").split()


def _ratio(wanted: "SequenceMatcher[str]", part: str) -> float:
    wanted.set_seq1(part)
    if wanted.real_quick_ratio() < _SIMILAR or wanted.quick_ratio() < _SIMILAR:
        return 0.0
    return wanted.ratio()


def _folded(text: str) -> str:
    """`text` without the differences of case, of composed and decomposed letters, and of spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def _plain(text: str) -> str:
    """`_folded` without accents."""
    decomposed = unicodedata.normalize("NFD", _folded(text))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
