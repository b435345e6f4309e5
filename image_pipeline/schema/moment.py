"""Moments at which photographs were taken: a wall clock, how much of it is known, and its offset from UTC."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum

EARLIEST_YEAR, LATEST_YEAR = 1826, 2099  # the first photograph dates from 1826


MOST_OFFSET, _QUARTER = timedelta(hours=14), timedelta(minutes=15)


def is_offset(difference: timedelta) -> bool:
    """Whether a difference of two clocks can be that of time zones: quarters of an hour, at most 14 hours, not zero."""
    return bool(difference) and not difference % _QUARTER and abs(difference) <= MOST_OFFSET


class Precision(StrEnum):
    """How much of a date is known: it is exact to this unit."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"

    @property
    def has_time(self) -> bool:
        """Whether the time of day is known."""
        return self in (Precision.SECOND, Precision.MINUTE)


class TakenFrom(StrEnum):
    """Where the date of a photograph is from, best first."""

    ORIGINAL = "original"
    """The date of the original: EXIF and XMP DateTimeOriginal, photoshop:DateCreated, IPTC DateCreated."""
    DIGITIZED = "digitized"
    """When it was digitized: EXIF, XMP and IPTC."""
    GPS = "gps"
    PNG_TEXT = "png_text"
    """The text `Creation Time` of a PNG."""
    TAKEOUT = "takeout"
    """The JSON file that Google Takeout writes beside the photograph."""
    NAME = "name"
    """The name of the file."""
    CHANGED = "changed"
    """EXIF DateTime, which editors set too."""

    def is_better_than(self, other: "TakenFrom") -> bool:
        """Whether this source comes before `other`."""
        order = list(TakenFrom)
        return order.index(self) < order.index(other)


class ClockFrom(StrEnum):
    """What makes a date the photographer's local time."""

    WRITTEN = "written"
    """It was written down as local time."""
    PLACE = "place"
    """Only UTC was written: converted to the time zone of the place."""
    UTC = "utc"
    """Only UTC was written, and no place is known: it is still UTC."""


@dataclass(frozen=True)
class Moment:
    """A wall clock (without tzinfo; units below `precision` are the lowest possible) and its offset from UTC.

    `offset` is None if it is unknown. `is_utc` marks a time that is known in UTC (written with a Z), which is not
    what clocks showed at the place; `offset` is then zero.
    """

    clock: datetime
    precision: Precision = Precision.SECOND
    offset: timedelta | None = None
    is_utc: bool = False

    @classmethod
    def parse(cls, text: str, precision: str) -> "Moment":
        """The moment that `iso` wrote. Raises ValueError if it is not one."""
        time = datetime.fromisoformat(text)
        return cls(time.replace(tzinfo=None), Precision(precision), time.utcoffset(), text.endswith("Z"))

    @property
    def iso(self) -> str:
        """ISO 8601: a date if no more is known, else date and time, with the offset if it is known."""
        if not self.precision.has_time:
            return f"{self.clock:%Y-%m-%d}"
        fraction = f"{self.clock.microsecond:06}".rstrip("0")
        text = f"{self.clock:%Y-%m-%dT%H:%M:%S}" + (f".{fraction}" if fraction else "")
        if self.is_utc:
            return f"{text}Z"
        return text if self.offset is None else text + self.clock.replace(tzinfo=timezone(self.offset)).isoformat()[-6:]

    @property
    def end(self) -> datetime:
        """The wall clock at which the interval of this moment ends, which is one `precision` long."""
        match self.precision:
            case Precision.YEAR:
                return self.clock.replace(year=self.clock.year + 1)
            case Precision.MONTH:
                return (self.clock + timedelta(days=31)).replace(day=1)
            case Precision.DAY:
                return self.clock + timedelta(days=1)
            case Precision.MINUTE:
                return self.clock + timedelta(minutes=1)
            case _:
                return self.clock.replace(microsecond=0) + timedelta(seconds=1)

    def is_refined_by(self, other: "Moment") -> bool:
        """Whether `other` is within the interval of this moment, and more precise."""
        finer = list(Precision).index(other.precision) < list(Precision).index(self.precision)
        return finer and self.clock <= other.clock < self.end

    def with_offset(self, offset: timedelta | None) -> "Moment":
        """The same clock with an offset; unchanged if it has one, or if the time of day is unknown."""
        if offset is None or self.offset is not None or not self.precision.has_time:
            return self
        return replace(self, offset=offset)

    def is_same_in_zone_of(self, clock: "Moment") -> bool:
        """Whether a moment that is known in UTC may be the one that `clock` shows, in some time zone other than UTC."""
        if clock.is_utc or not (clock.precision.has_time and clock.precision is self.precision):
            return False
        return is_offset(clock.clock.replace(microsecond=0) - self.clock.replace(microsecond=0))

    def in_zone(self, zone: tzinfo) -> "Moment":
        """A moment that is known in UTC, as clocks in `zone` showed it."""
        time = self.clock.replace(tzinfo=UTC).astimezone(zone)
        return Moment(time.replace(tzinfo=None), self.precision, time.utcoffset())
