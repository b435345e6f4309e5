"""Points of drawn scenes, without files: a collection that can be searched, in a second."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from image_pipeline.collection.connection import address_of
from image_pipeline.collection.points import make_point
from image_pipeline.demo.drawing import draw
from image_pipeline.demo.scenes import Scene
from image_pipeline.imaging.resize import fit, to_array
from image_pipeline.settings import Settings
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.stages.registry import input_specs


def scene_vectors(demo: Inference, scenes: Sequence[Scene]) -> np.ndarray:
    """The vectors of the pictures of scenes, float32 `[n, d]`, drawn with a seed of their own."""
    rng = np.random.default_rng(72)
    [spec] = input_specs(demo)
    return demo.embed_images(np.stack([to_array(fit(draw(scene, (320, 240), rng), spec)) for scene in scenes]))


def fill(settings: Settings, vectors: np.ndarray, payloads: Mapping[int, Mapping[str, Any]] | None = None) -> None:
    """Make a collection of points that have these vectors, and are files named 0, 1 and so on.

    They have no words except those in `payloads`, by number.
    """
    address = address_of(settings)
    version = load_inference(settings.models, settings.dtype, settings.home).collection_version(settings.collection)
    with address.connect(version.alias) as qdrant:
        collection = qdrant.collection(version)
        collection.ensure()
        points = [
            make_point(
                str(number),
                vector.tolist(),
                {"partition": ".", "sha256": str(number), "rating": number, **(payloads or {}).get(number, {})},
            )
            for number, vector in enumerate(vectors)
        ]
        list(collection.upsert(points))
