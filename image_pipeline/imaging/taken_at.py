"""The time at which a photograph was taken, from EXIF, XMP, IPTC, GPS and PNG texts."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from image_pipeline.imaging.embedded import Embedded
from image_pipeline.imaging.tiff import Directory
from image_pipeline.imaging.values import first, text
from image_pipeline.imaging.xmp import Xmp
from image_pipeline.schema.moment import EARLIEST_YEAR, LATEST_YEAR, MOST_OFFSET, Moment, Precision, TakenFrom

_ZONE = r"(Z|[+-]\d{2}:?\d{2})?"
_SEPARATED = re.compile(
    # Cameras that do not know a part leave it blank, or write zeros.
    r"(\d{4})(?: ?[:\-/.] ?(\d{1,2})?(?: ?[:\-/.] ?(\d{1,2})?)?)?"
    r"(?:(?: ?T ?| )(\d{1,2})? ?(?:: ?(\d{1,2})? ?(?:: ?(\d{1,2})?(?:[.,](\d{1,9}))?)?)? ?" + _ZONE + r")?$",
    re.ASCII,  # else \d also matches the digits of other scripts, which are not ISO 8601
)
_COMPACT = re.compile(
    r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2})(\d{2})(\d{2})?(?:\.(\d{1,9}))? ?" + _ZONE + r")?$", re.ASCII
)
_IPTC_CLOCK = re.compile(r"(\d{2}):?(\d{2}):?(\d{2})? ?([+-]\d{2}:?\d{2})?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})$", re.ASCII)
_DIGITS = re.compile(r"\d{1,6}", re.ASCII)

_ORIGINAL_TAGS, _DIGITIZED_TAGS, _CHANGED_TAGS = (
    (0x9003, 0x9011, 0x9291),
    (0x9004, 0x9012, 0x9292),
    (0x0132, 0x9010, 0x9290),
)
"""The EXIF tags of date and time, UTC offset, and fraction of a second."""
_GPS_TIME, _GPS_DATE = 7, 29
_IPTC_CREATED, _IPTC_DIGITIZED = ((2, 55), (2, 60)), ((2, 62), (2, 63))
_PNG_KEYWORD = "creation time"

_Candidates = Iterator[Moment | None]


def taken_at(embedded: Embedded, xmp: Xmp) -> tuple[Moment, TakenFrom] | None:
    """The time at which a photograph was taken as well as its blocks give it, and where it is from.

    The first source of `TakenFrom` that has a date is used. Another date of the same source only adds what is unknown:
    the day to a year, or the offset.
    """
    sources = {
        TakenFrom.ORIGINAL: _original(embedded, xmp),
        TakenFrom.DIGITIZED: _digitized(embedded, xmp),
        TakenFrom.GPS: _gps(embedded, xmp),
        TakenFrom.PNG_TEXT: iter([moment_of_png(embedded.texts.get(_PNG_KEYWORD))]),
        TakenFrom.CHANGED: iter([_exif(embedded, _CHANGED_TAGS)]),
    }
    for source, candidates in sources.items():
        found = _best([candidate for candidate in candidates if candidate is not None])
        if found is not None:
            return found.with_offset(_offset_elsewhere(found, embedded, xmp)), source
    return None


def _best(candidates: Sequence[Moment]) -> Moment | None:
    best = next(iter(candidates), None)
    for candidate in candidates:
        if best is not None and best.is_refined_by(candidate):
            best = candidate
    return best


def _original(embedded: Embedded, xmp: Xmp) -> _Candidates:
    yield _exif(embedded, _ORIGINAL_TAGS)
    yield moment_of(xmp.first("exif:DateTimeOriginal"))
    yield moment_of(xmp.first("photoshop:DateCreated"))
    yield _iptc(embedded, *_IPTC_CREATED)


def _digitized(embedded: Embedded, xmp: Xmp) -> _Candidates:
    yield _exif(embedded, _DIGITIZED_TAGS)
    yield moment_of(xmp.first("exif:DateTimeDigitized"))
    yield moment_of(xmp.first("xmp:CreateDate"))
    yield _iptc(embedded, *_IPTC_DIGITIZED)


def _gps(embedded: Embedded, xmp: Xmp) -> _Candidates:
    yield moment_of_gps(embedded.gps)
    found = moment_of(xmp.first("exif:GPSTimeStamp"))
    yield found if found is None or found.offset is not None else _in_utc(found)


def _exif(embedded: Embedded, tags: tuple[int, int, int]) -> Moment | None:
    """The date of three EXIF tags. Some programs write these tags into the first directory, so both are read."""
    date, offset, fraction = (embedded.photo.get(tag, embedded.base.get(tag)) for tag in tags)
    return moment_of(date, fraction, offset)


def _iptc(embedded: Embedded, date: tuple[int, int], clock: tuple[int, int]) -> Moment | None:
    """The date of IPTC (`20231029`, with zeros for what is unknown, or with dashes) and its time (`101112+0100`)."""
    day = text(first(embedded.iptc.get(date)))
    time = _IPTC_CLOCK.match(text(first(embedded.iptc.get(clock))) or "")
    if day is None:
        return None
    if time is not None and len(day) == 8:
        day = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    whole = f"{day} {time[1]}:{time[2]}:{time[3] or ''}{time[4] or ''}" if time else day
    return moment_of(whole) or moment_of(day)


def moment_of_gps(gps: Directory) -> Moment | None:
    """The time of the GPS position, which is always in UTC."""
    date, clock = text(gps.get(_GPS_DATE)), gps.get(_GPS_TIME)
    if date is None or not isinstance(clock, tuple) or len(clock) != 3:
        return None
    try:
        hours, minutes, seconds = (int(float(part)) for part in clock)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return moment_of(f"{date} {hours}:{minutes:02}:{seconds:02}Z")


def moment_of_png(value: str | None) -> Moment | None:
    """The time of a PNG's text `Creation Time`: by the specification as in e-mail (RFC 1123), by others as in EXIF."""
    found = moment_of(value)
    if found is not None or value is None:
        return found
    try:
        time = parsedate_to_datetime(value[:100])
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
    clock, offset = time.replace(tzinfo=None), time.utcoffset()
    if not EARLIEST_YEAR <= clock.year <= LATEST_YEAR or (offset is not None and abs(offset) > MOST_OFFSET):
        return None
    return Moment(clock, Precision.SECOND, offset, is_utc=time.tzinfo is UTC or value.strip().endswith(("GMT", "UTC")))


def moment_of(value: object, fraction: object = None, offset: object = None) -> Moment | None:
    """A date and time in any form that EXIF, IPTC or XMP uses; None if `value` has no such form, or cannot be true.

    The part that is known is kept: a month or day of 0, a blank second, a second of 60. The hour 24 is what some phones
    write in the first hour of the day. `fraction` (digits) and `offset` (`+02:00`) are used if `value` does not contain
    them.
    """
    written = text(value) or ""
    match = _SEPARATED.match(written) or _COMPACT.match(written)
    if match is None:
        return None
    year, month, day = (int(part or 0) for part in match.groups()[:3])
    hour, minute, second = (None if part is None else int(part) for part in match.groups()[3:6])
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None
    try:
        if not month or not day:
            return Moment(datetime(year, month or 1, 1), Precision.MONTH if month else Precision.YEAR)
        if hour is None or minute is None:
            return Moment(datetime(year, month, day), Precision.DAY)
        hour = 0 if hour == 24 else hour
        is_utc, zone = match[8] == "Z", _offset(match[8] or text(offset))
        if second is None or second == 60:
            return Moment(datetime(year, month, day, hour, minute), Precision.MINUTE, zone, is_utc)
        digits = match[7] or (_DIGITS.match(text(fraction) or "") or [""])[0]
        clock = datetime(year, month, day, hour, minute, second, int(digits[:6].ljust(6, "0")))
        return Moment(clock, Precision.SECOND, zone, is_utc)
    except ValueError:
        return None


def _offset(value: str | None) -> timedelta | None:
    if value == "Z":
        return timedelta()
    match = _OFFSET.match(value or "")
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if offset > MOST_OFFSET or int(match[3]) > 59:
        return None
    return -offset if match[1] == "-" else offset


def _in_utc(moment: Moment) -> Moment:
    if not moment.precision.has_time:
        return moment
    return Moment(moment.clock, moment.precision, timedelta(), is_utc=True)


def _offset_elsewhere(moment: Moment, embedded: Embedded, xmp: Xmp) -> timedelta | None:
    """The offset that the file gives for the same clock in a different place.

    An EXIF offset belongs to its own date: it is used if that date is the same, or is missing. A Z is not used, since
    programs append it to local times; nor is the offset of IPTC, which must have one, so that programs write that of
    the computer.
    """
    for tags in (_ORIGINAL_TAGS, _DIGITIZED_TAGS, _CHANGED_TAGS):
        date, offset, _ = (embedded.photo.get(tag, embedded.base.get(tag)) for tag in tags)
        known = _offset(text(offset))
        other = moment_of(date)
        if known is not None and (other is None or _is_same_clock(other, moment)):
            return known
    names = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate", "exif:DateTimeDigitized")
    for other in (moment_of(xmp.first(name)) for name in names):
        if other is not None and other.offset is not None and not other.is_utc and _is_same_clock(other, moment):
            return other.offset
    written = (xmp.first(f"{prefix}:OffsetTimeOriginal") for prefix in ("exifEX", "exif"))
    return next((known for known in map(_offset, written) if known is not None), None)


def _is_same_clock(one: Moment, other: Moment) -> bool:
    return one.clock.replace(microsecond=0) == other.clock.replace(microsecond=0)
