"""Evaluation of the demo models on scenes held out from their training, with the code of the pipeline.

    python scripts/evaluate_demo_models.py

Prints Markdown: the recall of captions among 200 pictures, the share of exactly correct captions, and twenty queries to
the demo library.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from demo_data import Asked, photograph

from image_pipeline.demo.library import make_library
from image_pipeline.demo.scenes import Colour, Scene, Shape, Thing, all_scenes, caption, random_scene
from image_pipeline.imaging.decode import decode_image
from image_pipeline.settings import DType
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.stages.registry import input_specs

GALLERY = 200
SEED = 7
ASKED_FOR = Asked("a red circle on a blue background", (Thing(Shape.CIRCLE, Colour.RED),), background=Colour.BLUE)
"""What `make demo` searches for."""


def distinct_scenes(count: int, rng: np.random.Generator) -> list[Scene]:
    """`count` different scenes that are held out from training."""
    scenes: dict[Scene, None] = {}
    while len(scenes) < count:
        scenes[random_scene(rng, held_out=True)] = None
    return list(scenes)


def pictures_of(scenes: list[Scene], rng: np.random.Generator) -> np.ndarray:
    """The pictures of scenes as model input, uint8 `[n, 3, 64, 64]`."""
    return np.stack([photograph(scene, rng).transpose(2, 0, 1) for scene in scenes])


def recall_of_captions(inference: Inference, scenes: list[Scene], pictures: np.ndarray) -> tuple[float, float]:
    """Recall at 1 and at 5 of the pictures of scenes, with their captions as queries."""
    similarity = inference.embed_texts([caption(scene) for scene in scenes]) @ inference.embed_images(pictures).T
    own = np.diag(similarity)[:, None]
    rank = (similarity > own).sum(axis=1)
    return float((rank < 1).mean()), float((rank < 5).mean())


def queries_of(scenes: list[Scene], rng: np.random.Generator) -> list[Asked]:
    """Twenty different queries that match scenes: eight captions, six things on a background, and six things."""
    chosen = [scenes[index] for index in rng.permutation(len(scenes))]
    captions = [Asked(caption(scene), scene.things, scene.relation, scene.background) for scene in chosen[:8]]
    things = [scene.things[rng.integers(len(scene.things))] for scene in chosen[8:]]
    placed = [
        Asked(caption(Scene(thing, scene.background)), (thing,), background=scene.background)
        for thing, scene in zip(things[:6], chosen[8:14], strict=True)
    ]
    bare = [Asked(f"{thing.colour} {thing.shape}", (thing,)) for thing in dict.fromkeys(things[6:])]
    return [ASKED_FOR, *captions[1:], *placed, *bare[:6]]


def print_queries(inference: Inference, rng: np.random.Generator) -> None:
    """Print queries to the demo library: the share of the n matching files that is among the n and the 2n nearest."""
    scene_of = {caption(scene): scene for scene in all_scenes()}
    with TemporaryDirectory() as directory:
        library = make_library(Path(directory))
        scenes = [scene_of[words] for words in library.captions.values()]
        [spec] = input_specs(inference)
        pictures = np.stack([decode_image(library.root / path, [spec]).arrays[0] for path in library.captions])
    images = inference.embed_images(pictures)
    print(f"\n| query | matching files, of {len(scenes)} | first result matches | recall at n | at 2n |")
    print("|---|---|---|---|---|")
    figures = []
    for asked in queries_of(scenes, rng):
        satisfied = np.array([asked.is_met_by(scene) for scene in scenes])
        found = satisfied[np.argsort(-(images @ inference.embed_texts([asked.text])[0]))]
        count = satisfied.sum()
        figures.append((found[0], found[:count].mean(), found[: 2 * count].sum() / count))
        first, at_n, at_2n = figures[-1]
        print(f"| {asked.text} | {count} | {'yes' if first else 'no'} | {at_n:.2f} | {at_2n:.2f} |")
    first, at_n, at_2n = np.mean(figures, axis=0)
    print(f"| mean of {len(figures)} | | {first:.2f} | {at_n:.2f} | {at_2n:.2f} |")


def main() -> None:
    """Evaluate the models, and print the results."""
    rng = np.random.default_rng(SEED)
    with TemporaryDirectory() as home:
        inference = load_inference("demo", DType.FP32, Path(home))
        scenes = distinct_scenes(GALLERY, rng)
        pictures = pictures_of(scenes, rng)
        at_1, at_5 = recall_of_captions(inference, scenes, pictures)
        written = inference.caption_images(pictures)
        exact = np.mean([one.text == caption(scene) for one, scene in zip(written, scenes, strict=True)])
        print("| measured on scenes held out from training | |\n|---|---|")
        print(f"| text-to-image recall at 1, among {GALLERY} distinct captions | {at_1:.3f} |")
        print(f"| text-to-image recall at 5 | {at_5:.3f} |")
        print(f"| exactly correct captions, of {GALLERY} | {exact:.3f} |")
        print_queries(inference, rng)


if __name__ == "__main__":
    main()
