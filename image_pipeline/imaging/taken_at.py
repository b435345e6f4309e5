"""The time at which a photograph was taken, as ISO 8601."""

import re
from datetime import UTC, datetime, timedelta, timezone

from image_pipeline.imaging.tiff import Directory
from image_pipeline.imaging.values import text

_EARLIEST_YEAR, _LATEST_YEAR = 1826, 2099  # the first photograph dates from 1826
_MAX_OFFSET = timedelta(hours=14)
_DATE_AND_TIME = re.compile(
    r"(\d{4})[:\-/.](\d{1,2})[:\-/.](\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$",
    re.ASCII,  # else \d also matches the digits of other scripts, which are not ISO 8601
)
_DIGITS = re.compile(r"\d{1,6}", re.ASCII)
_EXIF_TIMES = ((0x9003, 0x9011, 0x9291), (0x9004, 0x9012, 0x9292))
"""The tags of date and time, UTC offset, and fraction of a second: of the exposure, then of the digitization."""
_FILE_TIMES = (0x0132, 0x9010, 0x9290)
_GPS_TIME, _GPS_DATE = 7, 29


def exposure_time_of_exif(base: Directory, photo: Directory) -> str | None:
    """The time of the exposure, else of the digitization, from EXIF; with its UTC offset if there is one."""
    for date, offset, fraction in _EXIF_TIMES:
        # Some programs write these tags into the first directory.
        found = iso_time(*(photo.get(tag, base.get(tag)) for tag in (date, fraction, offset)))
        if found:
            return found
    return None


def change_time_of_exif(base: Directory, photo: Directory) -> str | None:
    """The time of the last change, from EXIF: a last resort, since editors set it too."""
    date, offset, fraction = _FILE_TIMES
    return iso_time(base.get(date), photo.get(fraction), photo.get(offset))


def time_of_gps(gps: Directory) -> str | None:
    """The time of the GPS position, which is always in UTC."""
    date, clock = text(gps.get(_GPS_DATE)), gps.get(_GPS_TIME)
    if date is None or not isinstance(clock, tuple) or len(clock) != 3:
        return None
    try:
        hours, minutes, seconds = (int(float(part)) for part in clock)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return iso_time(f"{date} {hours}:{minutes:02}:{seconds:02}Z")


def iso_time(value: object, fraction: object = None, offset: object = None) -> str | None:
    """A date and time in any form that EXIF, IPTC or XMP uses, as ISO 8601; None if `value` has no such form.

    `fraction` (digits) and `offset` (`+02:00`) are used if `value` does not contain them.
    """
    match = _DATE_AND_TIME.match(text(value) or "")
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    digits = match[7] or (_DIGITS.match(text(fraction) or "") or [""])[0]
    zone = _zone(match[8] or text(offset))
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    seconds = moment.strftime("%Y-%m-%dT%H:%M:%S")
    digits = digits.rstrip("0")[:6]
    return seconds + (f".{digits}" if digits else "") + (moment.isoformat()[19:] if zone else "")


def _zone(value: str | None) -> timezone | None:
    if value == "Z":
        return UTC
    match = re.match(r"([+-])(\d{2}):?(\d{2})$", value or "", re.ASCII)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if offset > _MAX_OFFSET or int(match[3]) > 59:
        return None
    return timezone(-offset if match[1] == "-" else offset)
