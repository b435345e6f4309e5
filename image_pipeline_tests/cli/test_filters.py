"""The filters of a search, as people write them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from image_pipeline.cli.filters import search_filter_of
from image_pipeline.collection.search_filter import Near, SearchFilter, Span
from image_pipeline.services.filter_texts import FilterTexts


def asked(library: Path | None = None, **given: Any) -> SearchFilter:
    return search_filter_of(FilterTexts(**given), lambda: library)


def refusal(**given: Any) -> str:
    with pytest.raises(click.BadParameter) as refused:
        asked(**given)
    return str(refused.value.format_message())


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2024", datetime(2024, 1, 1)),
        ("2024-05", datetime(2024, 5, 1)),
        ("2024-05-01", datetime(2024, 5, 1)),
        ("2024-05-01T18:30", datetime(2024, 5, 1, 18, 30)),
        ("2024-05-01T18:30+02:00", datetime(2024, 5, 1, 16, 30, tzinfo=UTC)),
        ("2024-05-01T18:30Z", datetime(2024, 5, 1, 18, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_the_photographers_unless_it_has_an_offset(written: str, date: datetime) -> None:
    for option in ("after", "before"):
        found = getattr(asked(**{option: written}), option)
        assert found == date and found.tzinfo == date.tzinfo


@pytest.mark.parametrize("written", ["yesterday", "2024-13", "0000", "24", "2024-5", "٢٠٢٤"])
def test_any_other_text_is_refused(written: str) -> None:
    message = "Invalid value for --before: give a date as 2024, 2024-05, 2024-05-01 or 2024-05-01T18:30"
    assert refusal(before=written) == message


def test_an_interval_that_is_empty_is_refused() -> None:
    message = (
        "Invalid value for --before: give a date later than --after, since photographs taken on the date of --before "
        "are left out"
    )
    assert refusal(after="2024-05", before="2024") == refusal(after="2024", before="2024-01-01") == message
    assert refusal(after="2024-05-01T18:30Z", before="2024-05-01T18:30+01:00") == message
    both = asked(after="2024-05-01T18:30Z", before="2024")
    assert both.before == datetime(2024, 1, 1), "a clock and a moment cannot be compared"


@pytest.mark.parametrize(
    ("written", "span"),
    [("4", Span(4, 4)), ("4..", Span(4)), ("..2", Span(None, 2)), ("3..4", Span(3, 4)), ("-1..0", Span(-1, 0))],
)
def test_a_range_of_ratings(written: str, span: Span) -> None:
    assert asked(rating=written).rating == span


@pytest.mark.parametrize("written", ["6", "-2..", "5..3", "..", "3-4", "3...4", "four", "4.5", "٤"])
def test_a_rating_that_does_not_exist_is_refused(written: str) -> None:
    message = "give whole numbers from -1 to 5, the smaller one first, such as 4, 4.., ..2 or 3..4"
    assert refusal(rating=written) == f"Invalid value for --rating: {message}"


def test_a_range_of_iso_speeds() -> None:
    assert asked(iso="800..").iso == Span(800)
    message = "give whole numbers from 1 to 10,000,000, the smaller one first, such as 100, 800.., ..400 or 100..400"
    assert refusal(iso="-100") == refusal(iso="0..") == f"Invalid value for --iso: {message}"


def test_a_circle() -> None:
    assert asked(near="52.52, 13.40,5").near == Near(52.52, 13.4, 5)
    for written in ("91,0,5", "0,181,5", "0,0,-5", "0,0,0", "nan,0,5", "0,0,inf"):
        assert refusal(near=written) == (
            "Invalid value for --near: give a latitude from -90 to 90, a longitude from -180 to 180, and a distance "
            "above 0 km"
        )
    berlin = asked(near="berlin,20km").near
    assert berlin is not None and (round(berlin.latitude), round(berlin.longitude), berlin.radius_km) == (53, 13, 20)


def test_an_empty_text_is_refused() -> None:
    for option, value in (("camera", " "), ("not_keyword", ("a", "")), ("directory", "")):
        message = f"Invalid value for --{option.replace('_', '-')}: it is empty: give a value, or leave the option out"
        assert refusal(**{option: value}) == message


def test_the_usual_names_of_formats() -> None:
    assert asked(format="jpg").format == asked(format="jpeg").format == "jpeg"


def test_a_directory_may_be_given_in_every_usual_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "Photos"
    odd = library / "caf\udce9\nnoir"
    for directory in (library / "2024/trip", odd, tmp_path / "elsewhere/trip"):
        directory.mkdir(parents=True)

    def named(given: str) -> str | None:
        return asked(library, directory=given).directory

    monkeypatch.chdir(tmp_path)
    assert named("2024/trip") == named("2024//trip/") == named("Photos/2024/trip") == "2024/trip"
    assert named(str(library / "2024")) == named("./Photos/2024") == "2024"
    assert named(str(library)) == named("Photos") == named(".") == ""
    assert named("2023") == "2023", "a directory that is gone, or never existed"
    for given in ("caf\uf7e9\\nnoir", "caf\uf7e9\nnoir", str(odd), f"Photos/{odd.name}"):
        assert named(given) == "caf\uf7e9\nnoir"
    monkeypatch.chdir(library / "2024")
    assert named("2024/trip") == named("trip") == named("./trip") == "2024/trip"
    assert (named("."), named("..")) == ("2024", "")
    for outside in ("../..", str(tmp_path), "/"):
        message = f"{outside} is not in the library {library}: give a directory of the library"
        with pytest.raises(click.BadParameter, match=message):
            named(outside)
    assert asked(None, directory="2024/trip").directory == "2024/trip", "no library is known"
