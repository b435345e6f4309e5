"""Measures the demo models on scenes held out from their training, by the code that the pipeline itself uses.

    python scripts/evaluate_demo_models.py

Prints Markdown: recall of the captions among 200 pictures, captions that are right word for word, and twenty queries.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from demo_data import photograph

from image_pipeline.demo.scenes import Relation, Scene, all_scenes, caption, is_held_out, random_scene
from image_pipeline.inference.inference import Inference, load_inference
from image_pipeline.settings import DType

GALLERY = 200
SEED = 7

Satisfies = Callable[[Scene], bool]


def holds(*words: str) -> Satisfies:
    """Whether a scene has a thing that is described by `words`, a colour or a shape or both."""
    return lambda scene: any(all(word in str(thing).split() for word in words) for thing in scene.things)


def behind(colour: str) -> Satisfies:
    """Whether a scene has a background of a colour."""
    return lambda scene: scene.background == colour


def both(*conditions: Satisfies) -> Satisfies:
    """Whether a scene satisfies all `conditions`."""
    return lambda scene: all(condition(scene) for condition in conditions)


def first(*words: str) -> Satisfies:
    """Whether the thing described by `words` stands left or above."""
    return lambda scene: scene.second is not None and all(word in str(scene.first).split() for word in words)


QUERIES: dict[str, Satisfies] = {
    "a red circle on a blue background": both(holds("red", "circle"), behind("blue")),
    "a white star on a black background": both(holds("white", "star"), behind("black")),
    "a green heart on a yellow background": both(holds("green", "heart"), behind("yellow")),
    "a blue square on an orange background": both(holds("blue", "square"), behind("orange")),
    "a yellow triangle on a purple background": both(holds("yellow", "triangle"), behind("purple")),
    "a black cross on a white background": both(holds("black", "cross"), behind("white")),
    "an orange circle on a green background": both(holds("orange", "circle"), behind("green")),
    "a purple star on a red background": both(holds("purple", "star"), behind("red")),
    "red circle": holds("red", "circle"),
    "blue star": holds("blue", "star"),
    "green triangle": holds("green", "triangle"),
    "purple heart": holds("purple", "heart"),
    "black square": holds("black", "square"),
    "white cross": holds("white", "cross"),
    "yellow star": holds("yellow", "star"),
    "orange heart on black": both(holds("orange", "heart"), behind("black")),
    "a red circle and a blue star": both(holds("red", "circle"), holds("blue", "star")),
    "a white heart and a black square": both(holds("white", "heart"), holds("black", "square")),
    "a green circle left of a red square": both(
        first("green", "circle"), holds("red", "square"), lambda scene: scene.relation is Relation.LEFT_OF
    ),
    "a yellow heart above a blue cross": both(
        first("yellow", "heart"), holds("blue", "cross"), lambda scene: scene.relation is Relation.ABOVE
    ),
}


def distinct_scenes(count: int, rng: np.random.Generator) -> list[Scene]:
    """Held-out scenes, no two alike."""
    scenes: dict[Scene, None] = {}
    while len(scenes) < count:
        scenes[random_scene(rng, held_out=True)] = None
    return list(scenes)


def pictures_of(scenes: list[Scene], rng: np.random.Generator) -> np.ndarray:
    """uint8 `[n, 3, 64, 64]`."""
    return np.stack([photograph(scene, rng).transpose(2, 0, 1) for scene in scenes])


def recall_of_captions(inference: Inference, scenes: list[Scene], pictures: np.ndarray) -> tuple[float, float]:
    """Recall at 1 and at 5 of each scene's picture, asked for by its caption."""
    similarity = inference.embed_texts([caption(scene) for scene in scenes]) @ inference.embed_images(pictures).T
    own = np.diag(similarity)[:, None]
    rank = (similarity > own).sum(axis=1)
    return float((rank < 1).mean()), float((rank < 5).mean())


def print_queries(inference: Inference, rng: np.random.Generator) -> None:
    """A table of the queries: of the k pictures that satisfy one, the share among the k nearest."""
    scenes = distinct_scenes(1500, rng)
    for condition in QUERIES.values():
        # so that each query has pictures to be found
        scenes += [scene for scene in all_held_out() if condition(scene)][:8]
    scenes = list(dict.fromkeys(scenes))
    images = inference.embed_images(pictures_of(scenes, rng))
    print(f"\n| query | pictures that satisfy it, of {len(scenes)} | recall at that number |\n|---|---|---|")
    recalls = []
    for query, condition in QUERIES.items():
        relevant = np.array([condition(scene) for scene in scenes])
        nearest = np.argsort(-(images @ inference.embed_texts([query])[0]))[: relevant.sum()]
        recalls.append(relevant[nearest].mean())
        print(f"| {query} | {relevant.sum()} | {recalls[-1]:.2f} |")
    print(f"| mean | | {np.mean(recalls):.2f} |")


def all_held_out() -> list[Scene]:
    """Every scene that no training has seen."""
    return [scene for scene in all_scenes() if is_held_out(scene)]


def main() -> None:
    """Measure, and print."""
    rng = np.random.default_rng(SEED)
    with TemporaryDirectory() as home:
        inference = load_inference("demo", DType.FP32, Path(home))
        scenes = distinct_scenes(GALLERY, rng)
        pictures = pictures_of(scenes, rng)
        at_1, at_5 = recall_of_captions(inference, scenes, pictures)
        written = inference.caption_images(pictures)
        exact = np.mean([told.text == caption(scene) for told, scene in zip(written, scenes, strict=True)])
        print("| measured on scenes held out from training | |\n|---|---|")
        print(f"| text-to-image recall at 1, among {GALLERY} distinct captions | {at_1:.3f} |")
        print(f"| text-to-image recall at 5 | {at_5:.3f} |")
        print(f"| captions right word for word, of {GALLERY} | {exact:.3f} |")
        print_queries(inference, rng)


if __name__ == "__main__":
    main()
