"""Towns by their names."""

import pytest

from image_pipeline.imaging.place_index import find_town


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Berlin", (53, 13)),
        ("  new   YORK ", (41, -74)),
        ("sao paulo", (-24, -47)),
        ("São Paulo", (-24, -47)),
        ("München", (48, 12)),
        ("Munich", (48, 12)),
        ("東京", (36, 140)),
        ("Paris", (49, 2)),
        ("Paris, US", (34, -96)),
        ("Paris,united states", (34, -96)),
        ("Paris, Atlantis", None),
        ("Nowhere at all", None),
        ("", None),
        (",", None),
    ],
)
def test_the_largest_town_of_a_name(name: str, place: tuple[int, int] | None) -> None:
    found = find_town(name)
    assert (None if found is None else (round(found[0]), round(found[1]))) == place
