"""Calibration of the relevance cut for the demo embedder, on drawn collections of scenes held out from its training.

    python scripts/calibrate_demo_cut.py

Prints Markdown: for each factor, which scenes that satisfy a query are close, which close scenes satisfy it, and for
how many queries that nothing satisfies nothing is close. The demo library and other queries show how the chosen factor
does on what it was not chosen by: `python -m benchmarks golden`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from demo_data import Asked, photograph, phrasing

from image_pipeline.demo.scenes import Colour, Scene, Shape, Thing, all_scenes, caption, is_held_out
from image_pipeline.services.relevance import NEUTRAL_TEXTS, NeutralScores
from image_pipeline.settings import DType
from image_pipeline.stages.models import Inference, load_inference

FACTORS = (1.3, 1.4, 1.45, 1.5, 1.55, 1.6, 1.7)
ABSENT = 100
UNKNOWN = (
    *("asdf qwerty", "xyzzy", "elephant", "a dog on a beach", "birthday cake", "mountains", "my cat sleeping"),
    *("the Eiffel tower at night", "sunset over the sea", "two children playing football", "a plate of spaghetti"),
    *("lorem ipsum dolor sit amet", "qqq www eee rrr", "car", "a bicycle", "snow", "people dancing at a wedding"),
    *("an airport", "flowers", "a dog"),
)
"""Texts without a word that the model knows, except for `a`, `the`, `on` and the like."""
PARTLY_KNOWN = tuple(f"a {colour} {thing}" for colour in Colour for thing in ("elephant", "car", "hexagon"))

KINDS: dict[str, tuple[int, Callable[[Scene], bool]]] = {
    "any scenes": (400, lambda scene: True),
    "64 scenes": (64, lambda scene: True),
    "a blue thing in each": (200, lambda scene: any(thing.colour is Colour.BLUE for thing in scene.things)),
    "a red circle in each": (60, lambda scene: Thing(Shape.CIRCLE, Colour.RED) in scene.things),
    "all on white": (150, lambda scene: scene.background is Colour.WHITE),
    "a heart in each": (200, lambda scene: any(thing.shape is Shape.HEART for thing in scene.things)),
}
"""Kinds of collections: how many scenes they have, and which."""


@dataclass(frozen=True)
class Drawn:
    """A collection: the vectors of its pictures, queries with the pictures that satisfy each, and absent scenes."""

    vectors: np.ndarray
    queries: list[Asked]
    satisfied: np.ndarray
    absent: list[str]


def drawn(inference: Inference, seed: int, count: int, is_wanted: Callable[[Scene], bool]) -> Drawn:
    """A collection of `count` different scenes."""
    rng = np.random.default_rng(seed)
    every = list(all_scenes())
    pool = [scene for scene in every if is_held_out(scene) and is_wanted(scene)]
    scenes = [pool[index] for index in rng.permutation(len(pool))[:count]]
    pictures = np.stack([photograph(scene, rng).transpose(2, 0, 1) for scene in scenes])
    things = [Thing(shape, colour) for shape in Shape for colour in Colour]
    asked = {one.text: one for one in (phrasing(scene, rng) for scene in scenes)}
    asked |= {text: Asked(text, (thing,)) for thing in things for text in (str(thing), str(thing).split(" ", 1)[1])}
    met = {text: [one.is_met_by(scene) for scene in scenes] for text, one in asked.items()}
    queries = [one for text, one in asked.items() if any(met[text])]
    absent = [scene for scene in every if scene.second is not None and scene not in scenes]
    return Drawn(
        inference.embed_images(pictures),
        queries,
        np.array([met[one.text] for one in queries]),
        [caption(absent[index]) for index in rng.permutation(len(absent))[:ABSENT]],
    )


def is_close(inference: Inference, collection: Drawn, texts: list[str], factor: float) -> np.ndarray:
    """Which pictures are close to which texts: bool `[texts, pictures]`."""
    neutral = NeutralScores.of(inference.embed_texts(NEUTRAL_TEXTS), collection.vectors)
    queries = inference.embed_texts(texts)
    cuts = np.array([neutral.cut(query, factor) for query in queries])
    close: np.ndarray = queries @ collection.vectors.T >= cuts[:, None]
    return close


def main() -> None:
    """Print the figures of each factor."""
    with TemporaryDirectory() as home:
        inference = load_inference("demo", DType.FP32, Path(home))
        collections = [drawn(inference, seed, *kind) for seed, kind in enumerate(KINDS.values(), start=11)]
        print(
            "| factor | collection | recall | precision | found something | silent: unknown | partly known | absent |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for factor in FACTORS:
            for name, one in zip(KINDS, collections, strict=True):
                close = is_close(inference, one, [asked.text for asked in one.queries], factor)
                both = (close & one.satisfied).sum()
                silent = [
                    1 - is_close(inference, one, list(texts), factor).any(axis=1).mean()
                    for texts in (UNKNOWN, PARTLY_KNOWN, one.absent)
                ]
                figures = [both / one.satisfied.sum(), both / close.sum(), close.any(axis=1).mean(), *silent]
                print(f"| {factor} | {name} | {' | '.join(f'{figure:.3f}' for figure in figures)} |")


if __name__ == "__main__":
    main()
