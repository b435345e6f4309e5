"""Golden queries: texts whose photographs are known, over the demo library and over a made library with names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from image_pipeline.demo.scenes import Colour, Scene, Shape, Thing, all_scenes, caption

SEED = 2027
_MOST = 40


class Kind(StrEnum):
    """The kinds of queries. No photograph satisfies those of the last three."""

    SCENE = "a whole scene"
    PHRASED = "a whole scene, as the model never saw it worded"
    THING = "a thing"
    THE_THING = "a thing, as the model never saw it worded"
    THING_ON = "a thing on a background"
    THINGS = "two things"
    COLOUR = "one word of the caption"
    PERSON = "a person"
    FIRST_NAME = "a first name"
    CITY = "a city"
    FILE = "a file name"
    DIRECTORY = "a directory"
    KEYWORD = "a keyword"
    CAPTION = "words of captions"
    OTHER_WORDS = "a scene in other words"
    PERSON_SCENE = "a person and a scene"
    CITY_SCENE = "a city and a scene"
    UNKNOWN = "nothing: unknown words"
    PARTLY_KNOWN = "nothing: a known colour of an unknown thing"
    ABSENT = "nothing: a scene that is not there"

    @property
    def is_for_nothing(self) -> bool:
        """Whether no photograph satisfies the queries."""
        return self in (Kind.UNKNOWN, Kind.PARTLY_KNOWN, Kind.ABSENT)


@dataclass(frozen=True)
class Query:
    """A text, the contents (sha256) of the photographs that satisfy it, and its vector if no model is to make it."""

    kind: Kind
    text: str
    satisfied: frozenset[str]
    vector: np.ndarray | None = None


_UNKNOWN = (
    *("a steam locomotive", "grandmother's garden", "fireworks over the harbour", "qxzzv blorp", "a tabby kitten"),
    *("skiing downhill", "the Colosseum", "a bowl of ramen", "violin concert", "77 zeppelins", "ein roter Apfel"),
    *("a bride and groom", "rush hour", "an octopus", "🦓", "dentist", "a newspaper on the kitchen table"),
    *("a waterfall in the jungle", "football stadium", "mushrooms"),
)
_THINGS_UNKNOWN = ("kangaroo", "umbrella", "the {} bus", "{} curtains")


def demo_queries(captions: Mapping[str, str], payloads: Mapping[str, Mapping[str, Any]]) -> list[Query]:
    """Queries of the demo library, by the `captions` with which it was drawn and the `payloads` of its points, by path.

    The relevance cut was calibrated with other texts, and on other pictures.
    """
    rng = np.random.default_rng(SEED)
    scene_of = {caption(scene): scene for scene in all_scenes()}
    drawn = {path: scene_of[words] for path, words in captions.items()}
    scenes = {str(payloads[path]["sha256"]): scene for path, scene in drawn.items()}
    queries = [*_scene_queries(scenes, rng), *_named_queries(payloads, rng)]
    queries += [Query(Kind.UNKNOWN, text, frozenset()) for text in _UNKNOWN]
    for colour in Colour:
        for thing in _THINGS_UNKNOWN:
            text = thing.format(colour) if "{}" in thing else f"a {colour} {thing}"
            queries.append(Query(Kind.PARTLY_KNOWN, text, frozenset()))
    absent = [scene for scene in scene_of.values() if scene.second is not None and scene not in scenes.values()]
    queries += [
        Query(Kind.ABSENT, caption(absent[index]), frozenset()) for index in rng.permutation(len(absent))[:_MOST]
    ]
    return queries


def _scene_queries(scenes: Mapping[str, Scene], rng: np.random.Generator) -> Iterator[Query]:
    contents = list(scenes)
    chosen = [scenes[contents[index]] for index in rng.permutation(len(contents))[: 2 * _MOST]]

    def having(*things: Thing, background: Colour | None = None) -> frozenset[str]:
        return frozenset(
            sha256
            for sha256, scene in scenes.items()
            if all(thing in scene.things for thing in things) and background in (None, scene.background)
        )

    for scene in chosen[:_MOST]:
        same = frozenset(sha256 for sha256, other in scenes.items() if other == scene)
        yield Query(Kind.SCENE, caption(scene), same)
        yield Query(Kind.PHRASED, f"the picture of {caption(scene)}", same)
    for thing in dict.fromkeys(scene.first for scene in chosen):
        yield Query(Kind.THING, str(thing), having(thing))
        yield Query(Kind.THE_THING, f"the {thing.colour} {thing.shape}", having(thing))
    for scene in chosen[_MOST:]:
        text = f"the {scene.first.colour} {scene.first.shape} on a {scene.background} background"
        yield Query(Kind.THING_ON, text, having(scene.first, background=scene.background))
        if scene.second is not None:
            text = f"{scene.second} next to {scene.first}"
            yield Query(Kind.THINGS, text, having(scene.first, scene.second))
    for word in (*Colour, *Shape):
        shown = frozenset(
            sha256 for sha256, one in scenes.items() if any(word in (it.colour, it.shape) for it in one.things)
        )
        yield Query(Kind.COLOUR, str(word), shown)


def _named_queries(payloads: Mapping[str, Mapping[str, Any]], rng: np.random.Generator) -> Iterator[Query]:
    cities: dict[str, set[str]] = {}
    for payload in payloads.values():
        if payload.get("city"):
            cities.setdefault(payload["city"], set()).add(payload["sha256"])
    for city, contents in cities.items():
        yield Query(Kind.CITY, city, frozenset(contents))
    paths = sorted(path for path in payloads if " copy" not in path)
    for index in rng.permutation(len(paths))[:_MOST]:
        name = paths[index].rpartition("/")[2]
        text = (name, name.rpartition(".")[0], name.rpartition(".")[0].replace("_", " ").lower())[index % 3]
        yield Query(Kind.FILE, text, frozenset([payloads[paths[index]]["sha256"]]))
    for text in ("winter", "summer trip", "mountains", "birthday", "Zoë", "björn", "日本", "scans 1985"):
        words = text.lower().split()
        found = {one["sha256"] for path, one in payloads.items() if all(word in path.lower() for word in words)}
        yield Query(Kind.DIRECTORY, text, frozenset(found))
