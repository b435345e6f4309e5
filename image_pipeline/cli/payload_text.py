"""The payload of a point as text for people: in groups, with units, the date as precisely as it is known."""

from collections.abc import Callable, Mapping
from typing import Any

from image_pipeline.schema.moment import Precision
from image_pipeline.schema.payload import MAP_CELLS, PAYLOAD

_GROUPS = {
    "picture": ("width", "height", "format", "size_bytes", "orientation", "decode_path", "damaged"),
    "time": ("taken_local", "taken_at", "taken_precision", "taken_from", "taken_local_from"),
    "place": ("place", "altitude_m", "city", "state", "country", "derived"),
    "camera": ("camera", "camera_make", "camera_model", "lens", "exposure_s", "f_number", "focal_length_mm", "iso"),
    "words": (
        *("title", "description", "keywords", "keywords_omitted", "people", "rating"),
        *("caption", "caption_confidence"),
    ),
    "file": ("directory", "sidecars", "sidecar_problem", "sha256", "pixels"),
    "origin": ("partition", "run_id", "ingested_at", "embedding_producer", "caption_producer", "digest"),
}
"""The fields of each group, in order; a field that is not named here is in the last group, `more`."""

_MORE = "more"
_NOT_SHOWN = ("path", "taken_local_end", "taken_year", "taken_day", *(field.name for field in MAP_CELLS.values()))
"""The path is the title; the rest follows from the date and its precision, and from the place."""

_UNITS = {field.name: field.unit for field in PAYLOAD if field.unit is not None}
_DATE_LENGTHS = {Precision.YEAR: 4, Precision.MONTH: 7, Precision.DAY: 10, Precision.MINUTE: 16, Precision.SECOND: 19}


def payload_groups(payload: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """The fields that have a value, by group: the name of each with its value as text."""
    grouped = {name for names in _GROUPS.values() for name in names}
    groups = {**_GROUPS, _MORE: tuple(name for name in payload if name not in grouped and name not in _NOT_SHOWN)}
    return {
        title: [(name, _text(name, payload)) for name in names if payload.get(name) not in (None, "", [])]
        for title, names in groups.items()
    }


def local_date(taken_local: str, precision: str | None) -> str:
    """A date on the photographer's clock (ISO 8601) as precisely as it is known, such as `2023-07` for a month."""
    length = _DATE_LENGTHS[Precision(precision)] if precision in list(Precision) else None
    return taken_local[:length].replace("T", " ")


def _text(name: str, payload: Mapping[str, Any]) -> str:
    value = payload[name]
    if name in _FORMATS:
        return _FORMATS[name](payload)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    unit = _UNITS.get(name)
    number = _number(value) if unit is not None else str(value)
    return number if unit is None else f"{number} {unit}"


def _number(value: Any) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _exposure(payload: Mapping[str, Any]) -> str:
    seconds = payload["exposure_s"]
    return f"1/{round(1 / seconds):,} s" if 0 < seconds < 0.3 else f"{seconds:,.10g} s"


def _place(payload: Mapping[str, Any]) -> str:
    place = payload["place"]
    return f"{place['lat']:.6f}, {place['lon']:.6f}"


_FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "taken_local": lambda payload: local_date(payload["taken_local"], payload.get("taken_precision")),
    "place": _place,
    "exposure_s": _exposure,
    "f_number": lambda payload: f"f/{payload['f_number']:g}",
    "orientation": lambda payload: f"{payload['orientation']} (EXIF, 1 to 8)",
    "caption_confidence": lambda payload: f"{payload['caption_confidence']:.2f}",
}
