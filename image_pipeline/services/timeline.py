"""The timeline: how many files were taken in each month, or on each day of a month, on the photographer's clock."""

from collections import Counter
from dataclasses import dataclass

from image_pipeline.collection.facets import MissingIndexError
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.schema.payload import TAKEN_DAY, TAKEN_YEAR
from image_pipeline.services.search import Search


@dataclass(frozen=True)
class Timeline:
    """Counts of files by period, earliest first, as people write it; and of those without a date.

    A period is a month (2024-05), or a year (2024) for files of which no more is known; of a month, a day (2024-05-01),
    or the month itself.
    """

    counts: dict[str, int]
    undated: int


def read_timeline(search: Search, search_filter: SearchFilter, month: tuple[int, int] | None = None) -> Timeline:
    """The timeline of the files that a filter lets through: of all months, or of the days of one (year and month).

    Raises as `Search.by_filter`, and MissingIndexError if an older release made the collection.
    """
    days, files = search.ask(lambda points: (_days(points, search_filter), points.count_matching(search_filter)))
    counts: Counter[str] = Counter()
    for day, count in sorted(days.items()):
        if month is None:
            counts[_month(day)] += count
        elif divmod(day // 100, 100) == month:
            counts[_day(day)] += count
    return Timeline(dict(counts), files - sum(days.values()))


def _days(points: VersionPoints, search_filter: SearchFilter) -> dict[int, int]:
    days = {int(day): count for day, count in points.facet(TAKEN_DAY, search_filter).items()}
    if not days and points.facet(TAKEN_YEAR, search_filter):  # nothing was ingested since it has the index
        raise MissingIndexError(TAKEN_DAY)
    return days


def _month(day: int) -> str:
    year, month = divmod(day // 100, 100)
    return f"{year:04}-{month:02}" if month else f"{year:04}"


def _day(day: int) -> str:
    return f"{_month(day)}-{day % 100:02}" if day % 100 else _month(day)
