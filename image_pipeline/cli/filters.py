"""The filters of a search, from the options of the command line."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.cli.library_paths import directory_in_library
from image_pipeline.cli.options import F
from image_pipeline.schema.formats import ImageFormat

if TYPE_CHECKING:
    from image_pipeline.collection.search_filter import Near, SearchFilter, Span

_YEAR_OR_MONTH = re.compile(r"(\d{4})(-\d{2})?$", re.ASCII)
_SPAN = re.compile(r"(-?\d{1,9})?(\.\.)?(-?\d{1,9})?$", re.ASCII)
_RATINGS, _ISOS = (-1, 5), (1, 10_000_000)
_OTHER_NAMES = {"jpg": "jpeg", "tif": "tiff", "heic": "heif", "jxl": "jpeg-xl", "jp2": "jpeg-2000"}
_FORMATS = click.Choice([*map(str, ImageFormat), *_OTHER_NAMES], case_sensitive=False)


class _Once(click.Option):
    """An option that may be given once: of several values, click would use the last one without a word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "multiple": True})

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """The value; None if the option was not given. Raises BadParameter if it was given twice."""
        values = super().process_value(ctx, value)
        if len(values) > 1:
            raise click.BadParameter("give it only once", ctx, self)
        return values[0] if values else None


def _once(name: str, metavar: str, text: str, **more: Any) -> Callable[[F], F]:
    return click.option(name, cls=_Once, metavar=metavar, help=text, **more)


def _repeatable(name: str, metavar: str, text: str) -> Callable[[F], F]:
    return click.option(name, multiple=True, metavar=metavar, help=text)


_OPTIONS = (
    _once("--near", "LAT,LON,KM", "Only photographs taken within KM km of a place."),
    _once("--after", "DATE", "Only photographs taken on or after this date (2024, 2024-05, 2024-05-01)."),
    _once("--before", "DATE", "Only photographs taken before this date."),
    _once("--camera", "NAME", "Only photographs of cameras whose maker and model contain NAME."),
    _once("--lens", "NAME", "Only photographs of lenses whose name contains NAME."),
    _repeatable("--keyword", "KEYWORD", "Only photographs with this keyword, or one below it; repeat it for more."),
    _repeatable("--not-keyword", "KEYWORD", "Only photographs without this keyword, or one below it; can be repeated."),
    _repeatable("--person", "NAME", "Only photographs of a person whose name contains NAME; repeat it for more."),
    _once("--rating", "RANGE", "Only photographs with this rating: 4, 4.., ..2, 3..4 (-1: rejected)."),
    _once("--iso", "RANGE", "Only photographs with this ISO speed: 100, 800.., ..400, 100..400."),
    _once(
        "--format",
        "FORMAT",
        "Only files of this format, whatever they are called: jpeg, raw, heif …",
        type=_FORMATS,
    ),
    _once("--directory", "PATH", "Only files in this directory of the library, and below it."),
    _once("--city", "NAME", "Only photographs taken in this city."),
    _once("--country", "NAME", "Only photographs taken in this country."),
    _once("--words", "WORDS", "Only photographs with all of these words in their caption."),
)


@dataclass(frozen=True)
class FilterOptions:
    """The options as they were given; their names are those of the options."""

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


def filter_options(command: F) -> F:
    """Add the options that filter photographs; the command gets them as one argument, `filters`: FilterOptions.

    They look the same in all commands. Upper and lower case make no difference in the texts.
    """

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given = {entry.name: kwargs.pop(entry.name) for entry in fields(FilterOptions)}
        return command(*args, filters=FilterOptions(**given), **kwargs)

    decorated: Any = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def search_filter_of(given: FilterOptions, library: Callable[[], Path | None]) -> "SearchFilter":
    """The filters that the options describe; `library` returns the root of the library, None if it is unknown.

    Raises BadParameter if an option makes no sense.
    """
    from image_pipeline.collection.search_filter import SearchFilter

    _check_texts(given)
    after, before = _date(given.after, "--after"), _date(given.before, "--before")
    _check_order(after, before)
    return SearchFilter(
        near=_near(given.near),
        after=after,
        before=before,
        camera=given.camera,
        words=given.words,
        lens=given.lens,
        keywords=given.keyword,
        not_keywords=given.not_keyword,
        people=given.person,
        rating=_span(given.rating, "--rating", _RATINGS, "4, 4.., ..2 or 3..4"),
        iso=_span(given.iso, "--iso", _ISOS, "100, 800.., ..400 or 100..400"),
        format=None if given.format is None else _OTHER_NAMES.get(given.format, given.format),
        directory=None if given.directory is None else directory_in_library(given.directory, library()),
        city=given.city,
        country=given.country,
    )


def _check_texts(given: FilterOptions) -> None:
    for name, value in vars(given).items():
        for text in value if isinstance(value, tuple) else (value,):
            if text is not None and not text.strip():
                raise click.BadParameter(
                    "it is empty: give a value, or leave the option out", param_hint=f"--{name.replace('_', '-')}"
                )


def _near(text: str | None) -> "Near | None":
    from image_pipeline.collection.search_filter import Near

    if text is None:
        return None
    try:
        latitude, longitude, kilometres = (float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter("give LAT,LON,KM, such as 52.52,13.40,5", param_hint="--near") from error
    # written so that NaN is refused, too
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 < kilometres < math.inf):
        raise click.BadParameter(
            "give a latitude from -90 to 90, a longitude from -180 to 180, and a distance above 0 km",
            param_hint="--near",
        )
    return Near(latitude, longitude, kilometres)


def _date(text: str | None, name: str) -> datetime | None:
    """A wall clock, or, if `text` has an offset, a moment in UTC. A year or a month is its first day."""
    from datetime import UTC

    if text is None:
        return None
    partial = _YEAR_OR_MONTH.match(text)
    try:
        date = datetime.fromisoformat(f"{partial[1]}{partial[2] or '-01'}-01" if partial else text)
        return date.astimezone(UTC) if date.tzinfo else date
    except (ValueError, OverflowError) as error:  # in UTC, it may be outside the years 1 to 9999
        raise click.BadParameter(
            "give a date as 2024, 2024-05, 2024-05-01 or 2024-05-01T18:30", param_hint=name
        ) from error


def _check_order(after: datetime | None, before: datetime | None) -> None:
    """A clock and a moment in UTC cannot be compared, so any such pair is accepted."""
    if after is None or before is None or (after.tzinfo is None) != (before.tzinfo is None):
        return
    if after >= before:
        raise click.BadParameter(
            "give a date later than --after, since photographs taken on the date of --before are left out",
            param_hint="--before",
        )


def _span(text: str | None, name: str, limits: tuple[int, int], examples: str) -> "Span | None":
    from image_pipeline.collection.search_filter import Span

    if text is None:
        return None
    match = _SPAN.match(text.strip())
    low, high = (None if match is None or match[group] is None else int(match[group]) for group in (1, 3))
    if match is not None and match[2] is None and high is None:
        high = low
    elif match is None or match[2] is None:
        low = high = None  # such as 3-4
    numbers = [number for number in (low, high) if number is not None]
    if not numbers or numbers != sorted(numbers) or not all(limits[0] <= number <= limits[1] for number in numbers):
        raise click.BadParameter(
            f"give whole numbers from {limits[0]} to {limits[1]:,}, the smaller one first, such as {examples}",
            param_hint=name,
        )
    return Span(low, high)
