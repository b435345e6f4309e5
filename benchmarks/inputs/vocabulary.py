"""The values that the payloads of made points are drawn from, as many and as unevenly as in a real library."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from image_pipeline.schema.camera import camera_name

_MAKERS = {
    "Canon": "EOS R5,EOS R6,EOS 5D Mark IV,EOS 80D,PowerShot G7 X,IXUS 285",
    "NIKON CORPORATION": "NIKON Z 6,NIKON D850,NIKON D750,NIKON D5600,COOLPIX P1000",
    "SONY": "ILCE-7M3,ILCE-6400,DSC-RX100M5,DSC-HX99",
    "FUJIFILM": "X-T4,X100V,FinePix S5700",
    "Apple": "iPhone 6s,iPhone 8,iPhone X,iPhone 12,iPhone 14 Pro",
    "samsung": "SM-G930F,SM-G973F,SM-S911B",
    "Google": "Pixel 3,Pixel 6a",
    "Panasonic": "DMC-TZ61,DC-G9",
}
_STEMS = """bara bel bor cal cas dor el fer gal gran hal ka lan lin mar mer mon nor ol pal per quin ros sal san tor ul
val ver zan"""
_ENDS = "by da dorf ford ga grad ham holm ia lo mar na polis ra sten ta ton va ville wick"
_FIRST_NAMES = "Ada Amir Anna Ben Chiara David Elena Emil Fatima Hugo Ines Jonas Lea Mia Noah Omar Paula Rosa Tom Yuki"
_LAST_NAMES = "Berger Costa Diallo Eriksen Fischer Garcia Hansen Ito Keller Martin Novak Okafor Petit Rossi Silva"
_COUNTRIES = 40
CAMERAS, LENSES, CITIES, KEYWORDS, PEOPLE, WORDS = 30, 200, 500, 3_000, 50, 3_000
"""How many different values there are in a library."""


@dataclass(frozen=True)
class City:
    """A city, and its place in degrees."""

    name: str
    state: str
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Vocabulary:
    """All values; those that come first are the most frequent.

    A camera is its maker, its model, and its name as people write it. A keyword is the values that it adds to the
    payload: itself, and its path if it has one. The `chances` are those of the values with the same index, and their
    sum is 1.
    """

    cameras: tuple[tuple[str, str, str], ...]
    lenses: tuple[str, ...]
    cities: tuple[City, ...]
    keywords: tuple[tuple[str, ...], ...]
    people: tuple[str, ...]
    words: tuple[str, ...]
    camera_chances: np.ndarray
    city_chances: np.ndarray
    keyword_chances: np.ndarray
    people_chances: np.ndarray
    word_chances: np.ndarray


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary, which is always the same."""
    rng = np.random.default_rng(29)
    cameras = [(make, model) for make, models in _MAKERS.items() for model in models.split(",")]
    names = _made_words(CITIES + WORDS + KEYWORDS + 3 * _COUNTRIES, rng)
    countries = [names.pop().capitalize() for _ in range(_COUNTRIES)]
    states = [[f"{names[-3 * number - part].capitalize()}shire" for part in range(3)] for number in range(_COUNTRIES)]
    cities = []
    for name in names[:CITIES]:
        country = int(rng.integers(_COUNTRIES))
        latitude = float(np.clip(-35 + 100 * country / _COUNTRIES + rng.normal(0, 2), -80, 80))
        longitude = float((country * 37 + rng.normal(0, 3)) % 360 - 180)
        state = states[country][int(rng.integers(3))]
        cities.append(City(name.capitalize(), state, countries[country], latitude, longitude))
    persons = [f"{first} {last}" for last in _LAST_NAMES.split() for first in _FIRST_NAMES.split()]
    return Vocabulary(
        cameras=tuple((make, model, camera_name(make, model) or model) for make, model in cameras[:CAMERAS]),
        lenses=tuple(f"{10 + number}-{40 + number}mm F{1.4 + number % 9 / 2:.1f}" for number in range(LENSES)),
        cities=tuple(cities),
        keywords=_keywords(names[CITIES : CITIES + KEYWORDS]),
        people=tuple(persons[:: len(persons) // PEOPLE][:PEOPLE]),
        words=tuple(names[CITIES + KEYWORDS : CITIES + KEYWORDS + WORDS]),
        camera_chances=_uneven(CAMERAS, 2),
        city_chances=_uneven(CITIES, 5),
        keyword_chances=_uneven(KEYWORDS * 2 // 3, 7),
        people_chances=_uneven(PEOPLE, 3),
        word_chances=_uneven(WORDS, 3),
    )


def _keywords(names: list[str]) -> tuple[tuple[str, ...], ...]:
    """Each second keyword is the last part of a path, whose first part is one of twelve; 3,000 values in total."""
    keywords = []
    for number in range(KEYWORDS * 2 // 3):
        name = names[number]
        keywords.append((name, f"{names[-1 - number % 12].capitalize()}/{name}") if number % 2 else (name,))
    return tuple(keywords)


def _uneven(count: int, first: int) -> np.ndarray:
    """Chances that fall with the rank, as frequencies of words do: that of number n is 1 / (n + `first`)."""
    chances: np.ndarray = 1 / (np.arange(count) + first)
    chances /= chances.sum()
    return chances


def _made_words(count: int, rng: np.random.Generator) -> list[str]:
    """That many different words."""
    stems = _STEMS.split()
    found = [f"{one}{other}{end}" for one in stems for other in stems for end in _ENDS.split() if one != other]
    rng.shuffle(found)
    return list(dict.fromkeys(found))[:count]
