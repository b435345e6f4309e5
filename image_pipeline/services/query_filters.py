"""The filters of a query by their names: from the values that a person types, and back to a text."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from image_pipeline.collection.search_filter import SearchFilter, Span
from image_pipeline.services.filter_texts import (
    FilterTextError,
    box_of,
    date_of,
    format_of,
    iso_of,
    near_of,
    period_of,
    rating_of,
)
from image_pipeline.services.query_tokens import quoted

_PART = r"(?:1[89]|20|21)\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?"
BARE_DATE = re.compile(rf"(?:{_PART}(?:\.\.(?:{_PART})?)?|\.\.{_PART})$", re.ASCII)
"""What is a date without `date:` before it."""

_MANY = ("keywords", "not_keywords", "people", "any_of", "none_of")
"""The fields of a filter that hold several values, all of which have to be met."""


@dataclass(frozen=True)
class QueryFilter:
    """A filter of the query language: one of several values, or, if it `takes_all`, one made of all values."""

    read: Callable[[Sequence[str]], SearchFilter]
    meaning: str
    takes_all: bool = False


def _text(field: str) -> Callable[[Sequence[str]], SearchFilter]:
    return lambda values: SearchFilter(**{field: values[0]})  # type: ignore[arg-type]


def _texts(field: str) -> Callable[[Sequence[str]], SearchFilter]:
    return lambda values: SearchFilter(**{field: (values[0],)})  # type: ignore[arg-type]


def _dates(values: Sequence[str]) -> SearchFilter:
    after, before = period_of(values[0])
    return SearchFilter(after=after, before=before)


def _caption(values: Sequence[str]) -> SearchFilter:
    if not any(character.isalnum() for character in values[0]):
        raise FilterTextError("caption", "give words")
    return SearchFilter(words=values[0])


def directory_of(text: str) -> str:
    """The directory of the library that a text names, relative to it; empty for the library itself.

    Raises FilterTextError if it names none.
    """
    names = [name for name in text.split("/") if name not in ("", ".")]
    if text.startswith("/") or ".." in names:
        raise FilterTextError("directory", "give a directory of the library, such as 2024/trip")
    return "/".join(names)


QUERY_FILTERS = {
    "camera": QueryFilter(_text("camera"), "a part of the camera's maker and model"),
    "lens": QueryFilter(_text("lens"), "a part of the lens's name"),
    "keyword": QueryFilter(_texts("keywords"), "a keyword, or one below it"),
    "person": QueryFilter(_texts("people"), "a part of a person's name"),
    "date": QueryFilter(_dates, "when it was taken: 2024, 2024-05, 2024-05-01, 2024-05..2024-07"),
    "after": QueryFilter(lambda values: SearchFilter(after=date_of(values[0], "after")), "taken then or later"),
    "before": QueryFilter(lambda values: SearchFilter(before=date_of(values[0], "before")), "taken before"),
    "rating": QueryFilter(lambda values: SearchFilter(rating=rating_of(values[0])), "4, 4.., ..2 or 3..4"),
    "iso": QueryFilter(lambda values: SearchFilter(iso=iso_of(values[0])), "100, 800.., ..400 or 100..400"),
    "format": QueryFilter(lambda values: SearchFilter(format=format_of(values[0])), "jpeg, raw, heif and others"),
    "directory": QueryFilter(
        lambda values: SearchFilter(directory=directory_of(values[0])),
        "a directory of the library, with those below it",
    ),
    "city": QueryFilter(_text("city"), "a city"),
    "country": QueryFilter(_text("country"), "a country"),
    "caption": QueryFilter(_caption, "words of the caption"),
    "near": QueryFilter(lambda values: SearchFilter(near=near_of(list(values))), "a town and km: Berlin,20km", True),
    "box": QueryFilter(lambda values: SearchFilter(box=box_of(list(values))), "SOUTH,WEST,NORTH,EAST", True),
}
"""The filters by their names."""

OTHER_NAMES = {"tag": "keyword", "people": "person", "taken": "date", "folder": "directory", "in": "directory"}
"""Other names of filters."""


def both(filters: Sequence[SearchFilter]) -> SearchFilter:
    """The filter that lets through what all of these do."""
    merged = SearchFilter()
    for one in filters:
        for field in fields(one):
            value, known = getattr(one, field.name), getattr(merged, field.name)
            if value in (None, ()):
                continue
            if field.name in _MANY:
                values: Any = (*known, *(each for each in value if each not in known))
                merged = replace(merged, **{field.name: values})
            elif known is None:
                merged = replace(merged, **{field.name: value})
            elif known != value:
                again = (SearchFilter(**{field.name: value}),)
                merged = replace(merged, any_of=(*merged.any_of, again))
    return merged


def filter_texts(search_filter: SearchFilter) -> list[str]:
    """The texts that a person would type for a filter; a query of all of them means the same.

    Raises ValueError for a filter that no query has: one of several that are combined themselves.
    """
    groups = (" OR ".join(map(_only, group)) for group in search_filter.any_of)
    return [*_simple_texts(search_filter), *groups, *(f"-{_only(one)}" for one in search_filter.none_of)]


def _only(search_filter: SearchFilter) -> str:
    texts = filter_texts(search_filter)
    if len(texts) != 1 or " OR " in texts[0]:
        raise ValueError(f"A query has no text for one of several filters that are combined: {texts}.")
    return texts[0]


def _simple_texts(asked: SearchFilter) -> Iterator[str]:
    if asked.near is not None:
        yield f"near:{asked.near.latitude!r},{asked.near.longitude!r},{asked.near.radius_km!r}km"
    if asked.box is not None:
        yield f"box:{','.join(repr(one) for one in vars(asked.box).values())}"
    yield from _date_texts(asked.after, asked.before)
    for name, text in (("camera", asked.camera), ("lens", asked.lens)):
        if text is not None:
            yield f"{name}:{quoted(text)}"
    yield from (f"person:{quoted(one)}" for one in asked.people)
    yield from (f"keyword:{quoted(one)}" for one in asked.keywords)
    yield from (f"-keyword:{quoted(one)}" for one in asked.not_keywords)
    for name, span in (("rating", asked.rating), ("iso", asked.iso)):
        if span is not None:
            yield f"{name}:{_span_text(span)}"
    named = (("format", asked.format), ("directory", "." if asked.directory == "" else asked.directory))
    for name, text in (*named, ("city", asked.city), ("country", asked.country), ("caption", asked.words)):
        if text is not None:
            yield f"{name}:{quoted(text)}"


def _span_text(span: Span) -> str:
    if span.low == span.high:
        return str(span.low)
    return f"{'' if span.low is None else span.low}..{'' if span.high is None else span.high}"


def _date_texts(after: datetime | None, before: datetime | None) -> Iterator[str]:
    if not (_is_day(after) and _is_day(before)):
        if after is not None:
            yield f"after:{after.isoformat()}"
        if before is not None:
            yield f"before:{before.isoformat()}"
        return
    text = _period_text(after, before)
    if text:
        # as a word alone, a number could be anything
        yield text if BARE_DATE.match(text) else f"date:{text}"


def _period_text(after: datetime | None, before: datetime | None) -> str:
    if after is not None and before is not None:
        for text in (_year(after), _month(after), _day(after)):
            if period_of(text) == (after, before):
                return text
    first = "" if after is None else _first_of_period(after)
    last = "" if before is None else _last_of_period(before)
    return f"{first}..{last}" if first or last else ""


def _is_day(date: datetime | None) -> bool:
    return date is None or (date.tzinfo is None and date.time() == datetime.min.time())


def _first_of_period(date: datetime) -> str:
    return _year(date) if (date.month, date.day) == (1, 1) else _month(date) if date.day == 1 else _day(date)


def _last_of_period(end: datetime) -> str:
    """The year, month or day that ends then."""
    day = end - timedelta(days=1)
    return _year(day) if (end.month, end.day) == (1, 1) else _month(day) if end.day == 1 else _day(day)


def _year(date: datetime) -> str:
    return f"{date.year:04}"  # `%Y` has no zeros on Linux


def _month(date: datetime) -> str:
    return f"{date.year:04}-{date.month:02}"


def _day(date: datetime) -> str:
    return f"{date.year:04}-{date.month:02}-{date.day:02}"
