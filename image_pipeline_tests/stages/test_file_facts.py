"""The facts about a file: its name, its place and the photographer's clock complete those about its content."""

from typing import Any

import pytest

from image_pipeline.stages.file_facts import file_facts, file_facts_version

LOCAL = ("taken_local", "taken_local_end", "taken_local_from")
TOKYO = {"lat": 35.66, "lon": 139.7}


def taken(at: str, source: str = "original", precision: str = "second") -> dict[str, object]:
    return {"taken_at": at, "taken_from": source, "taken_precision": precision}


@pytest.mark.parametrize(
    ("at", "precision", "start", "end"),
    [
        ("2025-09-10T20:30:00-07:00", "second", "2025-09-10T20:30:00", "2025-09-10T20:30:01"),
        ("2025-09-11T08:59:00.25+09:00", "second", "2025-09-11T08:59:00.250000", "2025-09-11T08:59:01"),
        ("2016-12-31T23:59:00", "minute", "2016-12-31T23:59:00", "2017-01-01T00:00:00"),
        ("1962-08-15", "day", "1962-08-15T00:00:00", "1962-08-16T00:00:00"),
        ("1993-12-01", "month", "1993-12-01T00:00:00", "1994-01-01T00:00:00"),
        ("1993-02-01", "month", "1993-02-01T00:00:00", "1993-03-01T00:00:00"),
        ("1993-01-01", "year", "1993-01-01T00:00:00", "1994-01-01T00:00:00"),
        ("2099-01-01", "year", "2099-01-01T00:00:00", "2100-01-01T00:00:00"),
    ],
)
def test_the_photographers_clock(at: str, precision: str, start: str, end: str) -> None:
    facts = file_facts("a.jpg", taken(at, precision=precision))
    known = {**dict(zip(LOCAL, (start, end, "written"), strict=True)), "taken_year": int(start[:4])}
    shown = {"year": start[:4] + "0000", "month": start[:7].replace("-", "") + "00"}
    known["taken_day"] = int(shown.get(precision, start[:10].replace("-", "")))
    assert facts == known, "a place is not needed for it"


def test_utc_becomes_local_by_the_place() -> None:
    facts = file_facts("a.jpg", {**taken("2020-12-31T23:30:00Z", "gps"), "place": TOKYO})
    assert [facts[name] for name in LOCAL] == ["2021-01-01T08:30:00", "2021-01-01T08:30:01", "place"]
    facts = file_facts("a.jpg", {**taken("2020-07-01T23:30:00Z", "gps"), "place": {"lat": 48.8049, "lon": 2.1204}})
    assert facts["taken_local"] == "2020-07-02T01:30:00", "in summer time"
    facts = file_facts("a.jpg", taken("2020-12-31T23:30:00Z", "gps"))
    assert [facts[name] for name in LOCAL] == ["2020-12-31T23:30:00", "2020-12-31T23:30:01", "utc"]
    facts = file_facts("a.jpg", {**taken("2020-12-31T23:30:00Z", "gps"), "place": {"lat": 0.0, "lon": -30.0}})
    assert facts["taken_local_from"] == "utc", "on the open sea"
    facts = file_facts("a.jpg", {**taken("2020-12-31T23:30:00+00:00"), "place": TOKYO})
    assert facts["taken_local"] == "2020-12-31T23:30:00", "an offset was written: it is the photographer's clock"


def test_the_name_comes_before_the_date_of_the_last_change_and_after_all_others() -> None:
    name = "trip/IMG-20220103-WA0007.jpg"
    by_name = taken("2022-01-03", "name", "day")
    assert by_name.items() <= file_facts(name, {}).items()
    assert by_name.items() <= file_facts(name, taken("2023-01-01T00:00:00", "changed")).items()
    for source in ("original", "digitized", "gps", "png_text"):
        assert "taken_at" not in file_facts(name, taken("2023-01-01T00:00:00", source))
    facts = file_facts("a.jpg", taken("2023-01-01T00:00:00", "changed"))
    assert facts["taken_local"] == "2023-01-01T00:00:00"
    assert file_facts("a.jpg", {}) == {}


def test_two_names_of_one_content_have_two_dates() -> None:
    dates = [file_facts(name, {})["taken_at"] for name in ("2011-07-19 11.36.39.jpg", "20220103_123456.jpg")]
    assert dates == ["2011-07-19T11:36:39", "2022-01-03T12:34:56"]


def test_a_pixel_phones_name_is_in_utc() -> None:
    facts = file_facts("PXL_20201231_233000123.jpg", {"place": TOKYO})
    assert (facts["taken_at"], facts["taken_from"]) == ("2020-12-31T23:30:00.123Z", "name")
    assert [facts[name] for name in LOCAL] == ["2021-01-01T08:30:00.123000", "2021-01-01T08:30:01", "place"]


def names_in(path: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The facts without the cells of the map."""
    return {name: fact for name, fact in file_facts(path, payload).items() if not name.startswith("map_cell")}


def test_city_and_country_are_derived_only_if_the_file_names_neither() -> None:
    derived = {"city": "Tokyo", "country": "Japan", "derived": ["city", "country"]}
    assert names_in("a.jpg", {"place": TOKYO}) == derived
    assert names_in("a.jpg", {"place": TOKYO, "city": None}) == derived
    for name in ("city", "state", "country"):
        assert names_in("a.jpg", {"place": TOKYO, name: "Edo"}) == {}
    yosemite = {"lat": 37.745, "lon": -119.59}
    assert names_in("a.jpg", {"place": yosemite}) == {"country": "United States", "derived": ["country"]}
    assert names_in("a.jpg", {"place": {"lat": 0.0, "lon": -30.0}}) == {}


def test_the_name_of_the_camera() -> None:
    assert file_facts("a.jpg", {"camera_make": "NIKON CORPORATION", "camera_model": "NIKON D750"}) == {
        "camera": "NIKON D750"
    }
    assert file_facts("a.jpg", {"camera_make": None, "camera_model": "X100V"}) == {"camera": "X100V"}


def test_the_version_names_the_gazetteer() -> None:
    assert "tzfpy-" in file_facts_version() and "file-facts-" in file_facts_version()
