"""The facts about a photograph in the JSON file that Google Takeout writes beside it."""

import json
from datetime import datetime, timedelta
from typing import Any

from image_pipeline.imaging.descriptions import description
from image_pipeline.imaging.position import Position
from image_pipeline.imaging.values import number, text
from image_pipeline.imaging.words import MAX_PEOPLE
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.moment import EARLIEST_YEAR, LATEST_YEAR, Moment, Precision, TakenFrom

_EPOCH = datetime(1970, 1, 1)
_MAX_DESCRIPTION = 2000
_LONGEST_NAME = 200


def takeout_facts(content: bytes) -> ImageMetadata:
    """The date, place, description and people in `content`; empty if it is JSON of a different kind.

    `photoTakenTime` is in seconds since 1970, UTC; `geoData` is the place that Google shows, `geoDataExif` that of the
    file. Zeros mean that a value is unknown. `title` is the name of the file. Raises ValueError if it is not JSON.
    """
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict) or "photoTakenTime" not in found:
        return ImageMetadata()
    moment = _moment(found["photoTakenTime"])
    position = _position(found.get("geoData")) or _position(found.get("geoDataExif"))
    return ImageMetadata(
        taken_at=moment.iso if moment else None,
        taken_from=str(TakenFrom.TAKEOUT) if moment else None,
        taken_precision=str(moment.precision) if moment else None,
        latitude=position.latitude if position else None,
        longitude=position.longitude if position else None,
        altitude_m=position.altitude_m if position else None,
        description=description(text(found.get("description"), _MAX_DESCRIPTION)),
        people=_people(found.get("people")),
    )


def _moment(value: Any) -> Moment | None:
    """The moment of `{"timestamp": "1478174685"}`."""
    seconds = value.get("timestamp") if isinstance(value, dict) else None
    if isinstance(seconds, bool):
        return None
    try:
        clock = _EPOCH + timedelta(seconds=int(seconds))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    if clock == _EPOCH or not EARLIEST_YEAR <= clock.year <= LATEST_YEAR:
        return None
    return Moment(clock, Precision.SECOND, timedelta(), is_utc=True)


def _position(value: Any) -> Position | None:
    """The position of `{"latitude": 45.5, "longitude": -122.6, "altitude": 12.0}`, in degrees and metres."""
    if not isinstance(value, dict):
        return None
    latitude, longitude = _number(value.get("latitude"), 90), _number(value.get("longitude"), 180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    altitude = number(_number(value.get("altitude"), 100_000), -11_000, 100_000)
    return Position(round(latitude, 7), round(longitude, 7), altitude or None)


def _number(value: Any, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
        return None
    return float(value)


def _people(value: Any) -> tuple[str, ...]:
    """The names of `[{"name": "Ada"}]`."""
    listed = value[:MAX_PEOPLE] if isinstance(value, list) else []
    names = (text(one.get("name"), _LONGEST_NAME) for one in listed if isinstance(one, dict))
    return tuple(dict.fromkeys(name for name in names if name))
