"""The bundled models know what they were trained for, on scenes that they have never seen."""

from pathlib import Path

import numpy as np
import pytest

from image_pipeline.demo.drawing import draw
from image_pipeline.demo.scenes import Scene, caption, is_held_out, random_scene
from image_pipeline.imaging.resize import fit, to_array
from image_pipeline.settings import DType
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.stages.registry import input_specs

COUNT = 100
EXACT = 0.9
MODELS = Path(__file__).parents[2] / "image_pipeline" / "demo" / "models"


@pytest.fixture(scope="module")
def inference(tmp_path_factory: pytest.TempPathFactory) -> Inference:
    return load_inference("demo", DType.AUTO, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    rng = np.random.default_rng(11)
    found: dict[Scene, None] = {}
    while len(found) < COUNT:
        found[random_scene(rng, held_out=True)] = None
    return list(found)


@pytest.fixture(scope="module")
def pictures(scenes: list[Scene], inference: Inference) -> np.ndarray:
    """uint8 `[n, 3, height, width]`, as the pipeline's own decoding brings them to the models."""
    rng = np.random.default_rng(12)
    [spec] = input_specs(inference)
    return np.stack([to_array(fit(draw(scene, (320, 240), rng), spec)) for scene in scenes])


def test_the_scenes_were_held_out(scenes: list[Scene]) -> None:
    assert all(is_held_out(scene) for scene in scenes)


def test_a_caption_finds_its_picture(inference: Inference, scenes: list[Scene], pictures: np.ndarray) -> None:
    texts = inference.embed_texts([caption(scene) for scene in scenes])
    nearest = (texts @ inference.embed_images(pictures).T).argsort(axis=1)[:, ::-1]
    own = np.arange(COUNT)
    assert (nearest[:, 0] == own).mean() >= 0.9
    assert (nearest[:, :5] == own[:, None]).any(axis=1).mean() >= 0.97


def test_a_picture_gets_its_caption(inference: Inference, scenes: list[Scene], pictures: np.ndarray) -> None:
    written = inference.caption_images(pictures)
    exact = np.mean([told.text == caption(scene) for told, scene in zip(written, scenes, strict=True)])
    assert exact >= EXACT
    assert all(0 < told.confidence <= 1 for told in written)


def test_words_and_neighbours_are_the_same_in_bf16(pictures: np.ndarray, tmp_path: Path) -> None:
    wide, narrow = (load_inference("demo", dtype, tmp_path) for dtype in (DType.FP32, DType.BF16))
    texts = [[told.text for told in one.caption_images(pictures)] for one in (wide, narrow)]
    same = sum(one == other for one, other in zip(*texts, strict=True))
    assert same >= 0.95 * COUNT
    assert np.einsum("nd,nd->n", wide.embed_images(pictures), narrow.embed_images(pictures)).min() >= 0.99


def test_they_are_small_and_safetensors() -> None:
    weights = [file for file in MODELS.rglob("*") if file.is_file() and file.stat().st_size > 100_000]
    assert {file.suffix for file in weights} == {".safetensors"}
    assert sum(file.stat().st_size for file in weights) <= 15e6
