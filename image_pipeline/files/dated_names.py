"""Dates in file names: of phones, messengers and screenshots."""

import re
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from image_pipeline.schema.moment import EARLIEST_YEAR, LATEST_YEAR, Moment, Precision

_MAX_NAME = 300
_SEPARATED = re.compile(
    # 2011-07-19 11.36.39, Screenshot 2022-01-03 at 3.04.05 PM, signal-2022-01-03-12-34-56-789
    r"(?<![0-9])(\d{4})([-_. ])(\d{2})\2(\d{2})(?![0-9])"
    r"(?:(?:[ _T-]|[ _](?:at|um|à|alle|om|kl\.?|a las|às)[ _])(\d{1,2})([-_.:h]?)(\d{2})[-_.:m]?(\d{2})(?![0-9]{4})"
    r"(?:[\s\u202f]?([ap])\.?m\b)?)?",
    re.IGNORECASE | re.ASCII,
)
_COMPACT = re.compile(
    # IMG_20220103_123456, PXL_20220103_123456789, IMG20220103123456, IMG-20220103-WA0007
    r"(?:^|[^A-Za-z0-9]|(?:^|[^A-Za-z0-9])([A-Za-z]{2,}))((?:19[7-9]|20[0-6])\d)(\d{2})(\d{2})"
    r"(?:[-_. T]?(\d{2})(\d{2})(\d{2})(\d{3})?)?(?![0-9A-Za-z])",
    re.ASCII,
)
_PIXEL = re.compile(r"PXL_", re.IGNORECASE)


def date_of_name(path: str) -> Moment | None:
    """The date and time in the name of the file `path`; None if there is none, or it cannot be true.

    A date without a time is precise to the day. The clock is local, but for Google's Pixel phones (`PXL_`): UTC.
    """
    name = PurePosixPath(path).stem[:_MAX_NAME]
    for match in _SEPARATED.finditer(name):
        year, _, month, day, hour, _, minute, second, half = match.groups()
        found = _moment((year, month, day), (hour, minute, second), half)
        if found is not None:
            return found
    for match in _COMPACT.finditer(name):
        _, year, month, day, hour, minute, second, thousandths = match.groups()
        found = _moment((year, month, day), (hour, minute, second), None, thousandths)
        if found is not None:
            is_utc = found.precision.has_time and _PIXEL.match(name) is not None
            return Moment(found.clock, found.precision, timedelta(), True) if is_utc else found
    return None


def _moment(
    date: tuple[str, str, str],
    clock: tuple[str | None, str | None, str | None],
    half: str | None,
    thousandths: str | None = None,
) -> Moment | None:
    """The moment of the parts; only the day if the time cannot be true. `half` is the a or p of am and pm."""
    try:
        day = datetime(*map(int, date))  # type: ignore[arg-type]
    except ValueError:
        return None
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        return None
    if None in clock:
        return Moment(day, Precision.DAY)
    hour, minute, second = (int(part or 0) for part in clock)
    if half is not None:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    try:
        return Moment(day.replace(hour=hour, minute=minute, second=second, microsecond=int(thousandths or 0) * 1000))
    except ValueError:
        return Moment(day, Precision.DAY)
