"""A made library with names: points without photographs, whose embeddings resemble those of a CLIP model.

Each photograph shows one of some scenes. Its vector is a mixture of a direction that all vectors share, one that all
pictures share, that of the scene, that of a group of related scenes, and noise; the vector of a text likewise, with one
that all texts share. The cosines of a text are about 0.27 with pictures of its scene and 0.17 with others, with a
standard deviation of 0.04: sizes that are usual for CLIP models, but the separation is a guess. Names have no influence
on vectors, because such models hardly know private names. Three captions in four describe the scene; the others say
something general, or describe a different scene.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.inputs.golden import SEED, Kind, Query
from image_pipeline.collection.points import Point, make_point

DIMENSION = 512
_SHARED, _SCENE, _RELATED = 0.424, 0.235, 0.235
_OTHER_WORDS = 0.85
"""How much a text in other words has of the direction of its scene, for one in the usual words 1."""
_CAPTION_RIGHT, _CAPTION_GENERAL = 0.75, 0.15
_QUERIES = 40


@dataclass(frozen=True)
class _Scene:
    """A scene: its group of related scenes, words for it in captions, the captions, a keyword, and other words."""

    group: str
    words: str
    captions: tuple[str, ...]
    keyword: str
    other_words: str


def _scene(group: str, words: str, captions: str, keyword: str, other_words: str) -> _Scene:
    return _Scene(group, words, tuple(captions.split("; ")), keyword, other_words)


_SCENES = (
    _scene("water", "beach", "a sandy beach with waves; people lying on a beach", "Strand", "by the seaside"),
    _scene("water", "sailing boat", "a sailing boat on the water; a white boat in a harbor", "sailing", "a yacht trip"),
    _scene("water", "lake", "a lake surrounded by trees; a wooden pier on a lake", "See", "swimming in fresh water"),
    _scene("water", "waterfall", "a waterfall in a forest; a tall waterfall", "Natur", "a cascade"),
    _scene("snow", "snowy mountains", "a mountain covered in snow; snowy mountains", "Berge", "alpine peaks in winter"),
    _scene("snow", "skiing", "a man skiing down a slope; people skiing", "Ski", "winter sports"),
    _scene(
        "snow", "snowman", "a snowman with a carrot; children building a snowman", "winter", "a figure of snowballs"
    ),
    _scene(
        "party", "birthday cake", "a birthday cake with candles; a child with a birthday cake", "Geburtstag", "party"
    ),
    _scene("party", "wedding", "a bride and groom; a wedding in a church", "Hochzeit", "a couple getting married"),
    _scene(
        "party", "christmas tree", "a christmas tree with lights; gifts under a christmas tree", "Xmas", "the holidays"
    ),
    _scene(
        "party", "fireworks", "fireworks in the night sky; people watching fireworks", "Silvester", "new year's eve"
    ),
    _scene("food", "pizza", "a pizza on a wooden table; a slice of pizza on a plate", "Essen", "italian dinner"),
    _scene("food", "ice cream", "a girl eating ice cream; two cones of ice cream", "dessert", "a frozen treat"),
    _scene(
        "food", "breakfast", "a breakfast with eggs and toast; a breakfast table", "brunch", "a meal in the morning"
    ),
    _scene("animals", "dog", "a brown dog on the grass; a dog running with a ball", "Bello", "a puppy at play"),
    _scene("animals", "cat", "a cat sleeping on a couch; a gray cat by a window", "Minka", "our kitten"),
    _scene("animals", "horses", "two horses in a field; a woman riding a horse", "Pferde", "ponies"),
    _scene("animals", "elephant", "an elephant in a zoo; a baby elephant", "zoo", "a huge animal with a trunk"),
    _scene("city", "street", "a busy street with cars; a narrow street with houses", "street", "downtown traffic"),
    _scene("city", "bridge", "a bridge over a river; a stone bridge at night", "architecture", "an arched crossing"),
    _scene("city", "church", "the inside of a church; a church with a tall tower", "sights", "a cathedral"),
    _scene("city", "train station", "a train at a station; people waiting for a train", "Bahn", "a railway platform"),
    _scene(
        "city", "market", "a market with fruit and vegetables; a stall at a market", "Markt", "shopping for groceries"
    ),
    _scene("sport", "football game", "a football game on a field; kids playing football", "TSV", "a soccer match"),
    _scene("sport", "bicycle", "a man riding a bicycle; a bicycle against a wall", "Radtour", "cycling"),
    _scene("sport", "tent", "a tent in a forest; two tents by a fire", "camping", "sleeping outdoors"),
    _scene("sport", "hiking trail", "people on a hiking trail; a hiking trail in the hills", "Wandern", "a long walk"),
    _scene("home", "baby", "a baby lying on a blanket; a smiling baby", "baby", "our newborn"),
    _scene("home", "garden", "a garden with flowers; red tulips in a garden", "Garten", "the backyard in bloom"),
    _scene("home", "piano", "a girl playing a piano; a black piano in a room", "music", "practising an instrument"),
    _scene("sky", "sunset", "a sunset over the hills; an orange sky at sunset", "sky", "the end of the day"),
    _scene(
        "sky", "hot air balloon", "a hot air balloon in the sky; hot air balloons", "balloon", "floating in a basket"
    ),
)
_GENERAL = (
    *("a group of people standing next to each other", "a close up of an object", "a man and a woman smiling"),
    *("a blurry picture of a room", "a person standing in front of a building", "a couple of people in a picture"),
)
_FIRST = (
    *("Anna", "Anna-Lena", "Zoë", "Björn", "José", "Mary", "Liam", "Aoife", "Łukasz", "Noor", "Marie", "Jean-Luc"),
    *("Sofia", "Tom", "Rose", "Max"),
)
_LAST = (
    *("Berg", "Müller", "García", "O'Brien", "de Vries", "Novák", "Smith", "Åkesson", "Yılmaz", "Rossi", "Nguyen"),
    *("Lake", "Church", "Schmidt", "Dubois", "Kowalski"),
)
_OTHER_NAMES = ("田中 健", "王芳", "Дмитрий Иванов", "Γιώργος Παππάς")
_CITIES = (
    *("Lisbon", "Málaga", "São Paulo", "Łódź", "京都", "New York", "Frankfurt am Main", "Zürich", "Reykjavík", "Oslo"),
    *("Paris", "Córdoba", "Bath", "Nice", "Split", "Kraków", "Cork", "Tromsø", "Москва", "Tel Aviv", "Bergen"),
)
_NOBODY = (
    *("Xaver Quill", "Ulaanbaatar", "IMG_99999.jpg", "Wojciech", "Timbuktu", "DSC98765", "Persephone", "Vladivostok"),
    *("Zbigniew Brown-Whitlock", "qxzzv", "札幌", "Ōsaka", "PXL_19991231"),
)


@dataclass(frozen=True)
class NamedLibrary:
    """The points of the library, and its queries."""

    points: list[Point]
    queries: list[Query]


@dataclass(frozen=True)
class _Photo:
    scene: _Scene
    people: tuple[str, ...]
    city: str | None
    sha256: str
    payload: dict[str, Any]
    path: str


def named_library(count: int) -> NamedLibrary:
    """A library of `count` photographs, the same for the same number."""
    rng = np.random.default_rng(SEED)
    space = _Space(rng)
    people = [f"{first} {last}" for first in _FIRST for last in _LAST]
    people = [*(people[index] for index in rng.permutation(len(people))[:36]), *_OTHER_NAMES]
    photos = [_photo(number, people, rng) for number in range(count)]
    points = [make_point(one.path, space.picture(one.scene).tolist(), one.payload) for one in photos]
    return NamedLibrary(points, list(_queries(photos, people, space, rng)))


class _Space:
    """The directions of scenes, and the vectors that are made of them: float32 `[512]`, of unit length."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._shared = self._direction()
        self._of_pictures, self._of_texts = self._direction(), self._direction()
        self._groups = {group: self._direction() for group in dict.fromkeys(one.group for one in _SCENES)}
        self._scenes = {one: self._direction() for one in _SCENES}

    def picture(self, scene: _Scene) -> np.ndarray:
        """The vector of a picture of a scene."""
        return self._vector(self._of_pictures, scene, 1.0)

    def text(self, scene: _Scene | None, share: float = 1.0) -> np.ndarray:
        """The vector of a text that describes a scene, or none; `share` is how well it does."""
        return self._vector(self._of_texts, scene, share)

    def _vector(self, modality: np.ndarray, scene: _Scene | None, share: float) -> np.ndarray:
        vector = _SHARED * self._shared + 0.35 * modality
        if scene is not None:
            vector = vector + share * (_SCENE * self._scenes[scene] + _RELATED * self._groups[scene.group])
        left = max(0.0, 1 - float(vector @ vector)) ** 0.5
        vector = vector + left * self._direction()
        unit: np.ndarray = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit

    def _direction(self) -> np.ndarray:
        vector = self._rng.standard_normal(DIMENSION)
        direction: np.ndarray = vector / np.linalg.norm(vector)
        return direction


def _photo(number: int, people: list[str], rng: np.random.Generator) -> _Photo:
    trip = np.random.default_rng([SEED, number // 40])  # forty photographs are of one trip
    city = _CITIES[trip.integers(len(_CITIES))]
    year = 2010 + int(trip.integers(15))
    named = trip.random() < 0.3
    directory = f"{year}/{city}" if named else f"{year}/{year}-{trip.integers(1, 13):02d} {number // 40}"
    scene = _SCENES[rng.integers(len(_SCENES))]
    shown = tuple(people[index] for index in rng.permutation(len(people))[: max(0, int(rng.integers(-2, 4)))])
    keywords = [scene.keyword] if rng.random() < 0.3 else []
    keywords += ["family"] if shown and rng.random() < 0.5 else []
    name = (f"IMG_{number:04d}.jpg", f"DSC{number + 20000:05d}.JPG", f"PXL_{year}0714_{number:06d}.jpg")[
        number // 40 % 3
    ]
    path = f"{directory}/{name}"
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    payload = {
        "directory": directory,
        "partition": directory,
        "sha256": sha256,
        "caption": _caption(scene, rng),
        "people": list(shown),
        "keywords": keywords,
        "city": city if named or rng.random() < 0.6 else None,
        "taken_local": f"{year}-{trip.integers(1, 13):02d}-{number % 28 + 1:02d}T12:00:00",
        "width": 4032,
        "height": 3024,
    }
    return _Photo(scene, shown, payload["city"], sha256, payload, path)


def _caption(scene: _Scene, rng: np.random.Generator) -> str:
    drawn = rng.random()
    if drawn < _CAPTION_RIGHT:
        return scene.captions[rng.integers(len(scene.captions))]
    if drawn < _CAPTION_RIGHT + _CAPTION_GENERAL:
        return _GENERAL[rng.integers(len(_GENERAL))]
    other = _SCENES[rng.integers(len(_SCENES))]
    return other.captions[rng.integers(len(other.captions))]


def _queries(photos: list[_Photo], people: list[str], space: _Space, rng: np.random.Generator) -> Iterator[Query]:
    def asked(kind: Kind, text: str, found: Iterator[_Photo], vector: np.ndarray) -> Query:
        return Query(kind, text, frozenset(one.sha256 for one in found), vector)

    for person in people:
        yield asked(Kind.PERSON, person, (one for one in photos if person in one.people), space.text(None))
    firsts = dict.fromkeys(person.split()[0] for person in people if person.isascii() or person[0] in "ZBJŁ")
    for first in firsts:
        # Anna is part of the name Anna-Lena, too
        having = (
            one
            for one in photos
            if any(first in name.replace("-", " ").split() or name.startswith(f"{first} ") for name in one.people)
        )
        yield asked(Kind.FIRST_NAME, first, having, space.text(None))
    for city in dict.fromkeys(one.city for one in photos if one.city):
        yield asked(Kind.CITY, city, (one for one in photos if one.city == city), space.text(None))
    for number in rng.permutation(len(photos))[:_QUERIES]:
        name = photos[number].path.rpartition("/")[2]
        stem = name.rpartition(".")[0]
        text = (name, stem, stem.replace("_", " ").lower())[number % 3]
        yield asked(Kind.FILE, text, iter([photos[number]]), space.text(None))
    for scene in _SCENES:
        yield asked(Kind.CAPTION, scene.words, (one for one in photos if one.scene == scene), space.text(scene))
        vector = space.text(scene, _OTHER_WORDS)
        yield asked(Kind.OTHER_WORDS, scene.other_words, (one for one in photos if one.scene == scene), vector)
        tagged = (one for one in photos if scene.keyword in one.payload["keywords"])
        yield asked(Kind.KEYWORD, scene.keyword, tagged, space.text(None))
    yield from _combined(photos, space, rng, asked)
    for text in _NOBODY:
        yield asked(Kind.UNKNOWN, text, iter(()), space.text(None))


def _combined(photos: list[_Photo], space: _Space, rng: np.random.Generator, asked: Any) -> Iterator[Query]:
    """Queries of a name and a scene, half of them in the words of captions, half in other words."""
    chosen = [photos[number] for number in rng.permutation(len(photos))]
    for number, photo in enumerate([one for one in chosen if one.people][:_QUERIES]):
        person, scene = photo.people[0], photo.scene
        found = (one for one in photos if person in one.people and one.scene == scene)
        words, share = (scene.words, 1.0) if number % 2 else (scene.other_words, _OTHER_WORDS)
        yield asked(Kind.PERSON_SCENE, f"{person} {words}", found, space.text(scene, 0.9 * share))
    for number, photo in enumerate([one for one in chosen if one.city][:_QUERIES]):
        city, scene = photo.city, photo.scene
        found = (one for one in photos if one.city == city and one.scene == scene)
        words, share = (scene.words, 1.0) if number % 2 else (scene.other_words, _OTHER_WORDS)
        yield asked(Kind.CITY_SCENE, f"{words} in {city}", found, space.text(scene, 0.9 * share))
