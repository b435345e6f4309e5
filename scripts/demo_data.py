"""Training data of the demo models: drawn scenes, in sizes and formats like those of photographs, and queries."""

import io
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from image_pipeline.demo.drawing import draw
from image_pipeline.demo.scenes import Colour, Relation, Scene, Thing, caption, near_miss, random_scene

SIZE = 64
"""Width and height, in pixels, of the input of both models, whatever the shape of the picture."""

WORDS = [
    "a",
    "an",
    "the",
    "and",
    "on",
    "in",
    "of",
    "with",
    "left",
    "right",
    "above",
    "below",
    "over",
    "under",
    "next",
    "to",
    "background",
    "picture",
    "photo",
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "white",
    "black",
    "circle",
    "square",
    "triangle",
    "star",
    "heart",
    "cross",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[MASK]"]
VOCABULARY = [*SPECIAL, *WORDS, "[SEP]"]
"""[SEP] is last, because open_clip takes the vector of the text at the token with the highest number."""

_CHUNK = 500


@dataclass(frozen=True)
class Drawn:
    """Scenes and their pictures, uint8 `[n, 64, 64, 3]`; scene 2i + 1 is a near miss of scene 2i."""

    scenes: Sequence[Scene]
    pictures: np.ndarray


def draw_pairs(pairs: int, *, held_out: bool, seed: int, processes: int = 2) -> Drawn:
    """`pairs` random scenes from one side of the split, each followed by a near miss of it."""
    chunks = [(seed, chunk, min(_CHUNK, pairs - chunk), held_out) for chunk in range(0, pairs, _CHUNK)]
    with ProcessPoolExecutor(processes) as executor:
        drawn = list(executor.map(_draw_chunk, chunks))
    return Drawn([s for scenes, _ in drawn for s in scenes], np.concatenate([pictures for _, pictures in drawn]))


def _draw_chunk(chunk: tuple[int, int, int, bool]) -> tuple[list[Scene], np.ndarray]:
    seed, first, count, held_out = chunk
    rng = np.random.default_rng([seed, first, held_out])
    scenes: list[Scene] = []
    for _ in range(count):
        scene = random_scene(rng, held_out=held_out)
        scenes += [scene, near_miss(scene, rng, held_out=held_out)]
    return scenes, np.stack([photograph(scene, rng) for scene in scenes])


def photograph(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The scene as input of a model: drawn in a random size and shape, perhaps saved as JPEG, squashed to 64 × 64."""
    area = rng.uniform(80, 200)
    aspect = rng.choice([1.0, 1.2, 4 / 3, 3 / 4, 1 / 1.2])
    picture = draw(scene, (int(area * aspect**0.5), int(area / aspect**0.5)), rng)
    if rng.random() < 0.5:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=int(rng.integers(50, 96)))
        picture = Image.open(buffer)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class Asked:
    """A query in words, and what a scene must contain to match it; a field that is None matches anything."""

    text: str
    things: tuple[Thing, ...]
    relation: Relation | None = None
    background: Colour | None = None

    def is_met_by(self, scene: Scene) -> bool:
        """Whether a scene has the things, in their relation, on the background."""
        if self.background is not None and scene.background is not self.background:
            return False
        if self.relation is not None:
            return scene.relation is self.relation and scene.things == self.things
        return all(thing in scene.things for thing in self.things)


def phrasing(scene: Scene, rng: np.random.Generator) -> Asked:
    """A query for the scene as a person might phrase it: half of the time its caption, else mostly a part of it."""
    way = rng.random()
    background, behind = scene.background, f"on {_article(scene.background)} {scene.background} background"
    whole = Asked(caption(scene), scene.things, scene.relation, background)
    if way < 0.5:
        return whole
    if way < 0.56:
        return replace(whole, text=_without_articles(whole.text.removesuffix(" background")))
    one = scene.things[rng.integers(len(scene.things))]
    if way < 0.7:
        return Asked(_without_articles(str(one)) if way < 0.64 else str(one), (one,))
    if way < 0.84 or scene.second is None:
        return Asked(f"{one} {behind}", (one,), background=background)
    if way < 0.88:
        turned = "right of" if scene.relation is Relation.LEFT_OF else "below"
        return replace(whole, text=f"{scene.second} {turned} {scene.first} {behind}")
    if way < 0.96:
        return Asked(f"{scene.first} and {scene.second}", scene.things)
    return Asked(f"{scene.first} {scene.relation} {scene.second}", scene.things, scene.relation)


def _without_articles(text: str) -> str:
    return " ".join(word for word in text.split() if word not in ("a", "an"))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
