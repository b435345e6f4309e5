"""Merging: what an XMP sidecar says goes before what the file says, and Google Takeout only fills gaps."""

from dataclasses import replace
from typing import Any

import pytest

from image_pipeline.schema.rows import Sidecar
from image_pipeline.stages.file_facts import file_facts

FILE = {
    "taken_at": "2020-01-02T03:04:05+02:00",
    "taken_from": "original",
    "taken_precision": "second",
    "camera_make": "Canon",
    "camera_model": "EOS R5",
    "width": 40,
    "place": {"lat": 41.9, "lon": 12.5},
    "altitude_m": 20.0,
    "city": "Roma",
    "state": "Lazio",
    "description": "of the file",
    "keywords": ["file"],
    "people": [],
}


def sidecar(path: str = "trip/a.jpg.xmp", **known: Any) -> Sidecar:
    if "taken_at" in known:
        known = {"taken_from": "original", "taken_precision": "second", **known}
    return Sidecar(path=path, size_bytes=1, mtime_ns=1, ctime_ns=1, **known)


def merged(payload: dict[str, Any], *sidecars: Sidecar, path: str = "trip/a.jpg") -> dict[str, Any]:
    return {**payload, **file_facts(path, payload, sidecars)}


def test_each_thing_that_xmp_says_replaces_what_the_file_says() -> None:
    facts = merged(FILE, sidecar(taken_at="2003-05-06T07:08:09", keywords=["xmp"], rating=4, city="Rome", width=1))
    assert (facts["taken_at"], facts["taken_local"]) == ("2003-05-06T07:08:09", "2003-05-06T07:08:09")
    assert (facts["keywords"], facts["rating"], facts["width"]) == (["xmp"], 4, 40)
    assert (facts["description"], facts["camera_model"], facts["place"]) == ("of the file", "EOS R5", FILE["place"])
    assert (facts["city"], facts["state"]) == ("Rome", None), "the parts of a place belong together"
    assert facts["sidecars"] == ["trip/a.jpg.xmp"] and facts["sidecar_problem"] is None


def test_a_place_of_a_sidecar_comes_with_its_own_altitude_and_town() -> None:
    facts = merged({**FILE, "city": None, "state": None}, sidecar(latitude=35.66, longitude=139.7))
    assert facts["place"] == {"lat": 35.66, "lon": 139.7}
    assert (facts["altitude_m"], facts["country"], facts["derived"]) == (None, "Japan", ["city", "country"])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"taken_at": "2020-01-02T03:04:05"}, FILE["taken_at"]),
        ({"taken_at": "2020-01-02", "taken_precision": "day"}, FILE["taken_at"]),
        ({"taken_at": "2020-01-02T03:04:05+03:00"}, FILE["taken_at"]),
        ({"taken_at": "2020-01-02T03:04:05.45"}, FILE["taken_at"]),
        ({"taken_at": "2020-01-02T03:04:05Z"}, FILE["taken_at"]),
        ({"taken_at": "2020-01-02T01:04:05Z"}, FILE["taken_at"]),
        ({"taken_at": "2020-01-02T01:04:06Z"}, "2020-01-02T01:04:06Z"),
        ({"taken_at": "2020-01-02T04:04:05+03:00"}, "2020-01-02T04:04:05+03:00"),
        ({"taken_at": "2020-01-03", "taken_precision": "day"}, "2020-01-03"),
        ({"taken_at": "2003-05-06T07:08:09", "taken_from": "digitized"}, FILE["taken_at"]),
    ],
)
def test_the_date_of_a_sidecar_and_that_of_the_file(said: dict[str, Any], expected: str) -> None:
    assert merged(FILE, sidecar(**said))["taken_at"] == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05"),
        ("2020-01-02T08:04:05Z", "2020-01-02T03:04:05"),
        ("2020-01-02T08:14:05Z", "2020-01-02T08:14:05Z"),
        ("2020-01-02T03:04:05.5-05:00", "2020-01-02T03:04:05.5-05:00"),
    ],
)
def test_a_z_in_a_sidecar_does_not_move_the_clock_of_the_camera(said: str, expected: str) -> None:
    file = {**FILE, "taken_at": "2020-01-02T03:04:05"}
    assert merged(file, sidecar(taken_at=said))["taken_at"] == expected


def test_a_rating_of_zero_is_that_of_a_program_and_only_fills_a_gap() -> None:
    assert merged({**FILE, "rating": 4}, sidecar(rating=0))["rating"] == 4
    assert merged(FILE, sidecar(rating=0))["rating"] == 0
    assert merged({**FILE, "rating": 4}, sidecar(rating=-1))["rating"] == -1


def test_a_place_and_the_names_of_places_do_not_contradict_each_other() -> None:
    named = {**FILE, "country": "Italia"}
    facts = merged(named, sidecar(latitude=35.66, longitude=139.7))
    assert (facts["state"], facts["country"]) == (None, "Japan"), "moved to another continent"
    facts = merged(named, sidecar(latitude=41.91, longitude=12.49))
    assert (facts["city"], facts["country"], facts["place"]) == ("Roma", "Italia", {"lat": 41.91, "lon": 12.49})
    facts = merged(named, sidecar(city="Roma"))
    assert (facts["city"], facts["state"], facts["country"]) == ("Roma", "Lazio", "Italia")
    facts = merged({**named, "state": None}, sidecar(city="Roma", state="Lazio"))
    assert (facts["city"], facts["state"], facts["country"]) == ("Roma", "Lazio", "Italia")
    facts = merged({**named, "city": None, "state": None, "country": None}, sidecar(country="Italy"))
    assert (facts["city"], facts["country"]) == (None, "Italy")
    facts = merged(named, sidecar(city="Milano"))
    assert (facts["city"], facts["state"], facts["country"]) == ("Milano", None, None)


def test_json_that_google_takeout_did_not_write_is_no_sidecar() -> None:
    other = sidecar("trip/a.json"), sidecar("trip/a.jpg.json", reason="corrupt", message="it is not JSON")
    facts = merged(FILE, *other)
    assert not {"sidecars", "sidecar_problem"} & facts.keys()
    late = sidecar("trip/a.jpg.json", reason="timeout", message="it took too long")
    assert merged(FILE, late)["sidecar_problem"] == "a.jpg.json: it took too long"


def test_a_date_of_a_worse_source_in_the_file_gives_way() -> None:
    older = {**FILE, "taken_from": "digitized"}
    assert merged(older, sidecar(taken_at="1965-01-01", taken_precision="year"))["taken_at"] == "1965-01-01"


def test_of_two_xmp_sidecars_the_one_with_the_full_name_goes_first() -> None:
    both = sidecar(rating=5), sidecar("trip/a.xmp", rating=1, title="of the stem")
    facts = merged(FILE, *both)
    assert (facts["rating"], facts["title"]) == (5, "of the stem")
    assert facts["sidecars"] == ["trip/a.jpg.xmp", "trip/a.xmp"]


def test_a_sidecar_that_names_the_raw_does_not_describe_the_jpeg_beside_it() -> None:
    of_raw = sidecar("trip/a.xmp", rating=5, for_ending="CR2")
    assert "rating" not in merged(FILE, of_raw) and "sidecars" not in merged(FILE, of_raw)
    assert merged(FILE, of_raw, path="trip/a.cr2")["rating"] == 5
    assert merged(FILE, replace(of_raw, path="trip/a.jpg.xmp"))["rating"] == 5, "its name says which it describes"


TAKEOUT = {
    "taken_at": "2016-11-03T12:04:45Z",
    "taken_from": "takeout",
    "latitude": 45.5,
    "longitude": -122.6,
    "altitude_m": 12.0,
    "description": "of Google",
    "people": ["Ada"],
}


def test_takeout_fills_only_what_is_missing() -> None:
    facts = merged(FILE, sidecar("trip/a.jpg.json", **TAKEOUT))
    assert facts["people"] == ["Ada"]
    same = ("taken_at", "place", "altitude_m", "description", "keywords", "city")
    assert {name: facts[name] for name in same} == {name: FILE[name] for name in same}
    facts = merged({"width": 40}, sidecar("trip/a.jpg.json", **TAKEOUT))
    assert (facts["taken_at"], facts["taken_from"]) == ("2016-11-03T12:04:45Z", "takeout")
    assert (facts["taken_local"], facts["taken_local_from"]) == ("2016-11-03T05:04:45", "place")
    assert (facts["place"], facts["description"]) == ({"lat": 45.5, "lon": -122.6}, "of Google")


def test_the_date_of_takeout_goes_before_the_name_and_the_last_change_and_after_all_others() -> None:
    json = sidecar("trip/a.jpg.json", **TAKEOUT)
    for source in ("original", "digitized", "gps", "png_text"):
        assert merged({**FILE, "taken_from": source}, json)["taken_at"] == FILE["taken_at"]
    assert merged({**FILE, "taken_from": "changed"}, json)["taken_from"] == "takeout"
    assert merged({}, json, path="trip/IMG_20161103_120445.jpg")["taken_from"] == "takeout"


@pytest.mark.parametrize(
    ("name", "at", "local", "clock_from"),
    [
        ("IMG_20210101_003000.jpg", "2020-12-31T23:30:00Z", "2021-01-01T00:30:00", "written"),
        ("PXL_20210101_003000.jpg", "2020-12-31T23:30:00Z", "2020-12-31T23:30:00", "utc"),
        ("IMG_20210101_003000.jpg", "2021-01-01T00:30:00Z", "2021-01-01T00:30:00", "utc"),
        ("IMG_20210101_003000.jpg", "2020-12-31T23:37:00Z", "2020-12-31T23:37:00", "utc"),
        ("IMG_20210101_003000.jpg", "2020-12-30T23:30:00Z", "2020-12-30T23:30:00", "utc"),
    ],
)
def test_without_a_place_the_name_says_what_the_clock_showed(name: str, at: str, local: str, clock_from: str) -> None:
    facts = merged({}, sidecar("trip/a.jpg.json", taken_at=at, taken_from="takeout"), path=f"trip/{name}")
    assert (facts["taken_at"], facts["taken_local"], facts["taken_local_from"]) == (at, local, clock_from)


def test_without_a_place_the_date_of_the_last_change_says_what_the_clock_showed() -> None:
    changed = {**FILE, "place": None, "taken_from": "changed", "taken_at": "2021-01-01T00:30:00"}
    facts = merged(changed, sidecar("trip/a.jpg.json", taken_at="2020-12-31T23:30:00Z", taken_from="takeout"))
    assert (facts["taken_at"], facts["taken_local"]) == ("2020-12-31T23:30:00Z", "2021-01-01T00:30:00")


def test_xmp_goes_before_takeout() -> None:
    facts = merged({}, sidecar(taken_at="2003-05-06T07:08:09"), sidecar("trip/a.jpg.json", **TAKEOUT))
    assert facts["taken_at"] == "2003-05-06T07:08:09" and facts["description"] == "of Google"


def test_a_sidecar_that_could_not_be_read_is_a_fact_and_costs_no_other() -> None:
    broken = sidecar(reason="corrupt", message="it is not XMP")
    facts = merged(FILE, broken, sidecar("trip/a.xmp", rating=2))
    assert facts["sidecar_problem"] == "a.jpg.xmp: it is not XMP" and facts["rating"] == 2
    assert {name: facts[name] for name in FILE} == FILE
