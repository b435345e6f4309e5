"""Scenes of one or two coloured shapes: their contents, their captions, and which are held out from training.

A caption is in reading order (`left of`, `above`), so that each picture has exactly one caption.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from typing import TypeVar

import numpy as np

HELD_OUT_ONE_IN = 8

E = TypeVar("E", bound=StrEnum)


class Shape(StrEnum):
    """The shapes that can be drawn."""

    CIRCLE = "circle"
    SQUARE = "square"
    TRIANGLE = "triangle"
    STAR = "star"
    HEART = "heart"
    CROSS = "cross"


class Colour(StrEnum):
    """The colours of shapes and backgrounds."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    WHITE = "white"
    BLACK = "black"


class Relation(StrEnum):
    """The position of the first thing of a scene relative to the second."""

    LEFT_OF = "left of"
    ABOVE = "above"


@dataclass(frozen=True)
class Thing:
    """A shape in a colour."""

    shape: Shape
    colour: Colour

    def __str__(self) -> str:
        return f"{_article(self.colour)} {self.colour} {self.shape}"


@dataclass(frozen=True)
class Scene:
    """One thing, or two different things and their relation, on a background of a different colour.

    Raises ValueError if a thing has the background's colour, both things are the same, or there is a second thing
    without a relation (or a relation without a second thing).
    """

    first: Thing
    background: Colour
    second: Thing | None = None
    relation: Relation | None = None

    def __post_init__(self) -> None:
        if self.background in {thing.colour for thing in self.things}:
            raise ValueError(f"a {self.background} thing cannot be seen on a {self.background} background")
        if self.first == self.second:
            raise ValueError("the two things of a scene must differ in shape or colour")
        if (self.second is None) != (self.relation is None):
            raise ValueError("a scene of two things must have a relation, and a scene of one thing must not")

    @property
    def things(self) -> tuple[Thing, ...]:
        """The things of the scene, in reading order."""
        return (self.first,) if self.second is None else (self.first, self.second)


def caption(scene: Scene) -> str:
    """The scene in words: `a red circle left of a white star on a blue background`."""
    what = str(scene.first) if scene.second is None else f"{scene.first} {scene.relation} {scene.second}"
    return f"{what} on {_article(scene.background)} {scene.background} background"


def is_held_out(scene: Scene) -> bool:
    """Whether the scene is held out from training: one combination in eight, chosen by hash."""
    return hashlib.blake2b(caption(scene).encode(), digest_size=8).digest()[0] % HELD_OUT_ONE_IN == 0


def all_scenes() -> Iterator[Scene]:
    """Every possible scene, in a fixed order."""
    things = [Thing(shape, colour) for shape, colour in product(Shape, Colour)]
    for background in Colour:
        visible = [thing for thing in things if thing.colour != background]
        yield from (Scene(thing, background) for thing in visible)
        for first, second, relation in product(visible, visible, Relation):
            if first != second:
                yield Scene(first, background, second, relation)


def random_scene(rng: np.random.Generator, *, held_out: bool, two_things: float = 0.85) -> Scene:
    """A random scene from one side of the split; it has two things with probability `two_things`."""
    while True:
        background = _choice(rng, Colour)
        first = _random_thing(rng, background)
        scene = Scene(first, background)
        if rng.random() < two_things:
            second = _random_thing(rng, background)
            if first == second:
                continue
            scene = Scene(first, background, second, _choice(rng, Relation))
        if is_held_out(scene) == held_out:
            return scene


def near_miss(scene: Scene, rng: np.random.Generator, *, held_out: bool) -> Scene:
    """A scene from one side of the split that differs from `scene` in one detail, such as a colour or the order."""
    while True:
        try:
            other = _changed(scene, rng)
        except ValueError:
            continue
        if other != scene and is_held_out(other) == held_out:
            return other


def _changed(scene: Scene, rng: np.random.Generator) -> Scene:
    if scene.second is None or scene.relation is None:
        match rng.integers(3):
            case 0:
                return replace(scene, background=_choice(rng, Colour))
            case 1:
                return replace(scene, first=replace(scene.first, colour=_choice(rng, Colour)))
            case _:
                return replace(scene, first=replace(scene.first, shape=_choice(rng, Shape)))
    first, second = scene.first, scene.second
    match rng.integers(7):
        case 0:
            return replace(scene, first=second, second=first)
        case 1:
            return replace(
                scene, first=replace(first, colour=second.colour), second=replace(second, colour=first.colour)
            )
        case 2:
            return replace(scene, relation=_choice(rng, Relation))
        case 3:
            return replace(scene, background=_choice(rng, Colour))
        case 4:
            return replace(scene, first=_random_thing(rng, scene.background))
        case 5:
            return replace(scene, second=replace(second, colour=_choice(rng, Colour)))
        case _:
            return replace(scene, second=replace(second, shape=_choice(rng, Shape)))


def _random_thing(rng: np.random.Generator, background: Colour) -> Thing:
    visible = [colour for colour in Colour if colour != background]
    return Thing(_choice(rng, Shape), visible[rng.integers(len(visible))])


def _choice(rng: np.random.Generator, kind: type[E]) -> E:
    members = list(kind)
    return members[rng.integers(len(members))]


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
