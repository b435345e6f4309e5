"""The position at which a photograph was taken."""

import re
from dataclasses import dataclass

from image_pipeline.imaging.tiff import Directory
from image_pipeline.imaging.values import number, text

_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE = 1, 2, 3, 4, 5, 6
_LOWEST_M, _HIGHEST_M = -11_000.0, 100_000.0
_XMP_DEGREES = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])$", re.ASCII)


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
    altitude = number(gps.get(_ALTITUDE), 0.0, _HIGHEST_M)
    if altitude is not None and below:
        altitude = -altitude if -altitude >= _LOWEST_M else None
    return _position(latitude, longitude, altitude)


def position_of_xmp(latitude: str | None, longitude: str | None) -> Position | None:
    """The position that XMP writes as `51,30.5N` and `0,7.65W`; None if the texts are not of this form."""
    return _position(_xmp_degrees(latitude, "NS", 90), _xmp_degrees(longitude, "EW", 180), None)


def _position(latitude: float | None, longitude: float | None, altitude: float | None) -> Position | None:
    if latitude is None or longitude is None:
        return None
    if latitude == 0.0 and longitude == 0.0:
        return None  # cameras write this if they have no GPS fix; it is a point in the Gulf of Guinea
    return Position(latitude, longitude, altitude)


def _degrees(value: object, reference: object, letters: str, limit: float) -> float | None:
    letter = (text(reference) or "")[:1].upper()
    parts = value if isinstance(value, tuple) else (value,)
    if not letter or letter not in letters or len(parts) > 3:
        return None
    degrees = [number(part, 0.0, high) for part, high in zip(parts, (limit, 6000.0, 6000.0), strict=False)]
    if not degrees or degrees[0] is None:
        return None
    return _signed([part or 0.0 for part in degrees], letter, limit) if None not in degrees else None


def _xmp_degrees(value: str | None, letters: str, limit: float) -> float | None:
    match = _XMP_DEGREES.match(value or "")
    if match is None or match[4] not in letters:
        return None
    return _signed([float(match[1]), float(match[2]), float(match[3] or 0.0)], match[4], limit)


def _signed(parts: list[float], letter: str, limit: float) -> float | None:
    degrees = sum(part / scale for part, scale in zip(parts, (1.0, 60.0, 3600.0), strict=False))
    return round(-degrees if letter in "SW" else degrees, 7) if degrees <= limit else None
