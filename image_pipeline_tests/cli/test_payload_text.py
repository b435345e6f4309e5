"""The payload as text: every field is shown once, with its unit, and a date as precisely as it is known."""

import pytest

from image_pipeline.cli.payload_text import local_date, payload_groups
from image_pipeline.schema.column import Kind
from image_pipeline.schema.payload import PAYLOAD

_VALUES = {
    Kind.TEXT: "text",
    Kind.TEXTS: ["one", "two"],
    Kind.INTEGER: 1234567,
    Kind.FLOAT: 2.5,
    Kind.DATETIME: "2024-05-06T07:08:09",
    Kind.GEO: {"lat": 1.5, "lon": -2.25},
}


def test_every_field_is_shown_once() -> None:
    payload = {field.name: _VALUES[field.kind] for field in PAYLOAD} | {"new": "field"}
    names = [name for lines in payload_groups(payload).values() for name, _ in lines]
    assert sorted(names) == sorted(
        payload.keys()
        - {"path", "taken_local_end", "taken_year", "taken_day", "map_cell_6", "map_cell_11", "map_cell_16"}
    )
    assert payload_groups(payload)["more"] == [("new", "field")]


def test_values_have_units() -> None:
    values: dict[str, tuple[object, str | None]] = {
        "width": (6720, "6,720 pixels"),
        "size_bytes": (12345678, "12,345,678 bytes"),
        "orientation": (6, "6 (EXIF, 1 to 8)"),
        "place": ({"lat": 38.7223, "lon": -9.13934}, "38.722300, -9.139340"),
        "exposure_s": (0.004, "1/250 s"),
        "f_number": (2.8, "f/2.8"),
        "focal_length_mm": (35.0, "35 mm"),
        "altitude_m": (-1.5, "-1.5 metres"),
        "iso": (12800, "12800"),
        "keywords": (["cat", "Nature/Cat"], "cat, Nature/Cat"),
        "people": ([], None),
        "title": ("", None),
        "rating": (0, "0"),
        "taken_local": ("2024-05-06T07:08:00", "2024-05-06 07:08"),
        "taken_precision": ("minute", "minute"),
        "caption_confidence": (0.8765, "0.88"),
    }
    groups = payload_groups({name: value for name, (value, _) in values.items()})
    shown = {name: text for name, (_, text) in values.items() if text is not None}
    assert {name: text for lines in groups.values() for name, text in lines} == shown


@pytest.mark.parametrize(("seconds", "text"), [(0.0001, "1/10,000 s"), (0.5, "0.5 s"), (30.0, "30 s"), (1.3, "1.3 s")])
def test_exposure_times(seconds: float, text: str) -> None:
    assert payload_groups({"exposure_s": seconds})["camera"] == [("exposure_s", text)]


@pytest.mark.parametrize(
    ("precision", "date"),
    [
        ("year", "1993"),
        ("month", "1993-07"),
        ("day", "1993-07-04"),
        ("minute", "1993-07-04 12:30"),
        ("second", "1993-07-04 12:30:15"),
        (None, "1993-07-04 12:30:15.5"),
    ],
)
def test_a_date_is_as_precise_as_it_is_known(precision: str | None, date: str) -> None:
    assert local_date("1993-07-04T12:30:15.5", precision) == date
