"""The position at which a photograph was taken."""

import math
import re
from dataclasses import dataclass

from image_pipeline.imaging.tiff import Directory
from image_pipeline.imaging.values import number, rational, text
from image_pipeline.imaging.xmp import Xmp

_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE = 1, 2, 3, 4, 5, 6
_LOWEST_M, _HIGHEST_M = -11_000.0, 100_000.0
_XMP_DEGREES = re.compile(
    r"([+-]?)(\d{1,3}(?:\.\d{1,20})?)(?:,(\d{1,2}(?:\.\d{1,20})?)(?:,(\d{1,2}(?:\.\d{1,20})?))?)? ?([NSEW])?$", re.ASCII
)


@dataclass(frozen=True)
class Position:
    """Degrees north and east (WGS 84), and metres above sea level if known."""

    latitude: float
    longitude: float
    altitude_m: float | None = None


def position_of_exif(gps: Directory) -> Position | None:
    """The position in an EXIF block's GPS directory; None if there is none, or it is not on Earth."""
    latitude = _degrees(gps.get(_LATITUDE), gps.get(_LATITUDE_REF), "NS", 90)
    longitude = _degrees(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF), "EW", 180)
    below = gps.get(_ALTITUDE_REF) in (1, b"\x01")
    return _position(latitude, longitude, _altitude(number(gps.get(_ALTITUDE), 0.0, _HIGHEST_M), below))


def position_of_xmp(xmp: Xmp) -> Position | None:
    """The position in XMP: `51,30.5N`, or decimal degrees with a sign or with the reference beside them."""
    latitude = _xmp_degrees(xmp.first("exif:GPSLatitude"), xmp.first("exif:GPSLatitudeRef"), "NS", 90)
    longitude = _xmp_degrees(xmp.first("exif:GPSLongitude"), xmp.first("exif:GPSLongitudeRef"), "EW", 180)
    return _position(latitude, longitude, _xmp_altitude(xmp))


def _position(latitude: float | None, longitude: float | None, altitude: float | None) -> Position | None:
    if latitude is None or longitude is None:
        return None
    if latitude == 0.0 and longitude == 0.0:
        return None  # cameras write this if they have no GPS fix; it is a point in the Gulf of Guinea
    return Position(latitude, longitude, altitude)


def _altitude(metres: float | None, below: bool) -> float | None:
    if metres is None or not below:
        return metres
    return -metres if -metres >= _LOWEST_M else None


def _degrees(value: object, reference: object, letters: str, limit: float) -> float | None:
    """Degrees, minutes and seconds as one number. A negative part means south or west, whatever the reference says."""
    parts = value if isinstance(value, tuple) else (value,)
    if not 0 < len(parts) <= 3:
        return None
    known = [
        # minutes and seconds of 0/0 are unknown, and the degrees are still right
        0.0 if index and _is_undefined(part) else _exact(part, -high, high)
        for index, (part, high) in enumerate(zip(parts, (limit, 6000.0, 6000.0), strict=False))
    ]
    numbers = [part for part in known if part is not None]
    if len(numbers) < len(parts):
        return None
    letter = (text(reference) or "")[:1].upper()
    if any(part < 0 for part in numbers):
        letter = letters[1]
    if not letter or letter not in letters:
        return None
    return _signed([abs(part) for part in numbers], letter, limit)


def _exact(value: object, low: float, high: float) -> float | None:
    """As `number`, but all digits of it: seven of them are no more than 10 m in longitude."""
    return float(value) if number(value, low, high) is not None else None  # type: ignore[arg-type]


def _is_undefined(value: object) -> bool:
    try:
        return math.isnan(float(value))  # type: ignore[arg-type]
    except ZeroDivisionError:
        return True
    except (TypeError, ValueError, ArithmeticError):
        return False


def _xmp_degrees(value: str | None, reference: str | None, letters: str, limit: float) -> float | None:
    match = _XMP_DEGREES.match((value or "").strip())
    if match is None:
        return None
    letter = match[5] or (reference or "").strip()[:1].upper() or letters[0]
    if match[1] == "-":
        letter = letters[1]
    if letter not in letters:
        return None
    return _signed([float(match[2]), float(match[3] or 0.0), float(match[4] or 0.0)], letter, limit)


def _xmp_altitude(xmp: Xmp) -> float | None:
    metres = rational(xmp.first("exif:GPSAltitude"))
    if metres is None:
        return None
    below = metres < 0 or (xmp.first("exif:GPSAltitudeRef") or "").strip() == "1"
    return _altitude(number(abs(metres), 0.0, _HIGHEST_M), below)


def _signed(parts: list[float], letter: str, limit: float) -> float | None:
    degrees = sum(part / scale for part, scale in zip(parts, (1.0, 60.0, 3600.0), strict=False))
    return round(-degrees if letter in "SW" else degrees, 7) if degrees <= limit else None
