"""The filters of a search from texts, as people type them: in a command, in a URL or in a query."""

import math
import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from image_pipeline.collection.search_filter import Box, Near, SearchFilter, Span
from image_pipeline.errors import PipelineError
from image_pipeline.imaging.place_index import find_town
from image_pipeline.schema.formats import OTHER_FORMATS, ImageFormat

RATINGS, ISOS = (-1, 5), (1, 10_000_000)
_RATING_EXAMPLES, _ISO_EXAMPLES = "4, 4.., ..2 or 3..4", "100, 800.., ..400 or 100..400"
_PERIOD = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$", re.ASCII)
_SPAN = re.compile(r"(-?\d{1,9})?(\.\.)?(-?\d{1,9})?$", re.ASCII)
_KILOMETRES = re.compile(r"(?<=\d)\s*km$", re.IGNORECASE)
_USUAL_KM = 10.0


class FilterTextError(PipelineError):
    """A text is no filter: `name` is that of the filter, `advice` says what to give instead."""

    def __init__(self, name: str, advice: str) -> None:
        super().__init__(f"{name}: {advice}.")
        self.name, self.advice = name, advice


@dataclass(frozen=True)
class FilterTexts:
    """The texts of filters; None or empty: no filter."""

    near: str | None = None
    after: str | None = None
    before: str | None = None
    camera: str | None = None
    lens: str | None = None
    keyword: tuple[str, ...] = ()
    not_keyword: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    rating: str | None = None
    iso: str | None = None
    format: str | None = None
    directory: str | None = None
    city: str | None = None
    country: str | None = None
    words: str | None = None
    box: str | None = None


def search_filter_of(given: FilterTexts, directory_of: Callable[[str], str]) -> SearchFilter:
    """The filters that the texts describe; `directory_of` returns the directory of the library that a text names.

    Raises FilterTextError if one makes no sense, and what `directory_of` raises.
    """
    for name, value in vars(given).items():
        for text in value if isinstance(value, tuple) else (value,):
            if text is not None and not text.strip():
                raise FilterTextError(name, "it is empty: give a value, or leave the option out")
    after = None if given.after is None else date_of(given.after, "after")
    before = None if given.before is None else date_of(given.before, "before")
    _check_order(after, before)
    return SearchFilter(
        near=None if given.near is None else near_of(given.near.split(",")),
        after=after,
        before=before,
        camera=given.camera,
        words=given.words,
        lens=given.lens,
        keywords=given.keyword,
        not_keywords=given.not_keyword,
        people=given.person,
        rating=None if given.rating is None else rating_of(given.rating),
        iso=None if given.iso is None else iso_of(given.iso),
        format=None if given.format is None else format_of(given.format),
        directory=None if given.directory is None else directory_of(given.directory),
        city=given.city,
        country=given.country,
        box=None if given.box is None else box_of(given.box.split(",")),
    )


def near_of(parts: list[str]) -> Near:
    """A circle: LAT,LON,KM or a town, perhaps with its country, and km (10 if they are left out).

    Raises FilterTextError.
    """
    *place, last = parts
    kilometres = _number(_KILOMETRES.sub("", last.strip()))
    if len(parts) == 3 and kilometres is not None and (centre := _numbers(place)) is not None:
        # written so that NaN is refused, too
        if not (-90 <= centre[0] <= 90 and -180 <= centre[1] <= 180 and 0 < kilometres < math.inf):
            raise FilterTextError(
                "near", "give a latitude from -90 to 90, a longitude from -180 to 180, and a distance above 0 km"
            )
        return Near(centre[0], centre[1], kilometres)
    if kilometres is None:
        place, kilometres = parts, _USUAL_KM
    town = ",".join(place).strip()
    if not any(character.isalpha() for character in town) or not 0 < kilometres < math.inf:
        raise FilterTextError("near", "give LAT,LON,KM, such as 52.52,13.40,5, or a town, such as Berlin,20km")
    found = find_town(town)
    if found is None:
        raise FilterTextError("near", f"no town is called {town!r}: give a larger one nearby, or LAT,LON,KM")
    return Near(*found, kilometres)


def box_of(parts: list[str]) -> Box:
    """A rectangle: SOUTH,WEST,NORTH,EAST in degrees. Raises FilterTextError."""
    numbers = _numbers(parts) if len(parts) == 4 else None
    if numbers is None:
        raise FilterTextError("box", "give SOUTH,WEST,NORTH,EAST in degrees, such as 52.3,13.1,52.7,13.8")
    south, west, north, east = numbers
    if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise FilterTextError("box", "give latitudes from -90 to 90, the smaller one first, and longitudes to 180")
    return Box(south, west, north, east)


def date_of(text: str, name: str) -> datetime:
    """A wall clock, or, if `text` has an offset, a moment in UTC. A year or a month is its first day.

    Raises FilterTextError.
    """
    try:
        if (period := _PERIOD.match(text)) is not None:
            return datetime(int(period[1]), int(period[2] or 1), int(period[3] or 1))
        date = datetime.fromisoformat(text)
        return date.astimezone(UTC) if date.tzinfo else date
    except (ValueError, OverflowError) as error:  # in UTC, it may be outside the years 1 to 9999
        raise FilterTextError(name, "give a date as 2024, 2024-05, 2024-05-01 or 2024-05-01T18:30") from error


def period_of(text: str) -> tuple[datetime | None, datetime | None]:
    """The beginning, and the end (exclusive), of a period: 2024-05, 2024-05..2024-07, 2024.. or ..2024-05-31.

    Raises FilterTextError.
    """
    first, dots, last = text.partition("..")
    begin, end = _period(first), _period(last if dots else first)
    after, before = begin and begin[0], end and end[1]
    if after is None and before is None:
        raise FilterTextError("date", "give a date such as 2024, 2024-05 or 2024-05-01, or two, such as 2024-05..2025")
    if after is not None and before is not None and after >= before:
        raise FilterTextError("date", "give the earlier date first, such as 2024-05..2024-07")
    return after, before


def _period(text: str) -> tuple[datetime, datetime] | None:
    """The day, month or year; None if there is no text."""
    if not text:
        return None
    found = _PERIOD.match(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day = (None if part is None else int(part) for part in found.groups())
        begin = datetime(year or 0, month or 1, day or 1)
        days = 1 if day else monthrange(begin.year, begin.month)[1] if month else 366 if _is_leap(begin.year) else 365
        return begin, begin + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise FilterTextError("date", f"there is no date {text!r}: give 2024, 2024-05 or 2024-05-01") from error


def _is_leap(year: int) -> bool:
    return monthrange(year, 2)[1] == 29


def _check_order(after: datetime | None, before: datetime | None) -> None:
    """A clock and a moment in UTC cannot be compared, so any such pair is accepted."""
    if after is None or before is None or (after.tzinfo is None) != (before.tzinfo is None):
        return
    if after >= before:
        raise FilterTextError(
            "before",
            "give a date later than --after, since photographs taken on the date of --before are left out",
        )


def rating_of(text: str) -> Span:
    """Ratings: 4, 4.., ..2, 3..4. Raises FilterTextError."""
    return _span(text, "rating", RATINGS, _RATING_EXAMPLES)


def iso_of(text: str) -> Span:
    """ISO speeds: 100, 800.., ..400, 100..400. Raises FilterTextError."""
    return _span(text, "iso", ISOS, _ISO_EXAMPLES)


def format_of(text: str) -> str:
    """The name of a format. Raises FilterTextError."""
    found = OTHER_FORMATS.get(text.lower(), text.lower())
    if found not in set(map(str, ImageFormat)):
        raise FilterTextError("format", f"there is no format {text!r}: give one of {', '.join(map(str, ImageFormat))}")
    return found


def _span(text: str, name: str, limits: tuple[int, int], examples: str) -> Span:
    match = _SPAN.match(text.strip())
    low, high = (None if match is None or match[group] is None else int(match[group]) for group in (1, 3))
    if match is not None and match[2] is None and high is None:
        high = low
    elif match is None or match[2] is None:
        low = high = None  # such as 3-4
    numbers = [number for number in (low, high) if number is not None]
    if not numbers or numbers != sorted(numbers) or not all(limits[0] <= number <= limits[1] for number in numbers):
        raise FilterTextError(
            name, f"give whole numbers from {limits[0]} to {limits[1]:,}, the smaller one first, such as {examples}"
        )
    return Span(low, high)


def _numbers(texts: list[str]) -> list[float] | None:
    numbers = [_number(text) for text in texts]
    return [number for number in numbers if number is not None] if None not in numbers else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
