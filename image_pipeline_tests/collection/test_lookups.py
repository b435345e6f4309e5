"""Lookups: the values of a field that a text of a filter stands for."""

import pytest

from image_pipeline.collection.lookups import Lookup, Match
from image_pipeline.schema.payload import DIRECTORY, KEYWORDS

PLACES = ["Italy", "Places/Italy", "Places/Italy/Venice", "Places/Italyland", "places"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("italy", ["Italy"]),
        ("places/italy", ["Places/Italy", "Places/Italy/Venice"]),
        ("Places|Italy|Venice", ["Places/Italy/Venice"]),
        ("PLACES", ["Places/Italy", "Places/Italy/Venice", "Places/Italyland", "places"]),
        ("tal", []),
    ],
)
def test_a_keyword_stands_for_those_below_it(text: str, found: list[str]) -> None:
    assert Lookup((KEYWORDS,), text, Match.PATH).among(PLACES) == found


def test_a_directory_in_another_case_is_found_if_there_is_none_in_this_one() -> None:
    directories = ["Trip", "Trip/a", "trip", "TRIPS"]
    assert Lookup((DIRECTORY,), "trip", Match.BELOW).among(directories) == ["trip"]
    assert Lookup((DIRECTORY,), "TRIP", Match.BELOW).among(directories) == ["Trip", "Trip/a", "trip"]
