"""The filters of a search, from the options of the command line."""

import math
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

    from image_pipeline.collection.query import Near, SearchFilter

_YEAR_OR_MONTH = re.compile(r"(\d{4})(-\d{2})?$", re.ASCII)


def search_filter_of(
    near: str | None, after: str | None, before: str | None, camera: str | None, words: str | None
) -> "SearchFilter":
    """The filters that the options of a search describe. Raises BadParameter if one of them makes no sense."""
    from image_pipeline.collection.query import SearchFilter

    return SearchFilter(_near(near), _date(after, "--after"), _date(before, "--before"), camera, words)


def _near(text: str | None) -> "Near | None":
    from image_pipeline.collection.query import Near

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


def _date(text: str | None, name: str) -> "datetime | None":
    """A wall clock, or, if `text` has an offset, a moment in UTC. A year or a month is its first day."""
    from datetime import UTC, datetime

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
