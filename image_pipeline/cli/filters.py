"""The filters of a search, from the options of the command line."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.cli.library_paths import directory_in_library
from image_pipeline.cli.options import F
from image_pipeline.schema.formats import OTHER_FORMATS, ImageFormat

if TYPE_CHECKING:
    from image_pipeline.collection.search_filter import SearchFilter
    from image_pipeline.services.filter_texts import FilterTexts

_FORMATS = click.Choice([*map(str, ImageFormat), *OTHER_FORMATS], case_sensitive=False)


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
    _once("--near", "PLACE", "Only photographs taken near a place: LAT,LON,KM, or a town, such as Berlin,20km."),
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


def filter_options(command: F) -> F:
    """Add the options that filter photographs; the command gets them as one argument, `filters`: FilterTexts.

    They look the same in all commands. Upper and lower case make no difference in the texts.
    """

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from image_pipeline.services.filter_texts import FilterTexts

        given = {entry.name: kwargs.pop(entry.name) for entry in fields(FilterTexts) if entry.name in kwargs}
        return command(*args, filters=FilterTexts(**given), **kwargs)

    decorated: Any = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def search_filter_of(given: "FilterTexts", library: Callable[[], Path | None]) -> "SearchFilter":
    """The filters that the options describe; `library` returns the root of the library, None if it is unknown.

    Raises BadParameter if an option makes no sense.
    """
    from image_pipeline.services.filter_texts import FilterTextError
    from image_pipeline.services.filter_texts import search_filter_of as filter_of_texts

    try:
        return filter_of_texts(given, lambda directory: directory_in_library(directory, library()))
    except FilterTextError as error:
        option = f"--{error.name.replace('_', '-')}"
        raise click.BadParameter(error.advice, param_hint=option) from error
