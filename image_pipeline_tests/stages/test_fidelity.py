"""What the pipeline makes of a file is what the models' own libraries make of it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from transformers import BlipForConditionalGeneration, BlipProcessor

from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.outcome import DecodePath
from image_pipeline.settings import DType
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.wide_colours import BT_2020, PQ, png

MODELS = Path(__file__).parents[2] / "image_pipeline" / "demo" / "models"
COUNT = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures that are too small to be scaled while they are decoded."""
    directory = tmp_path_factory.mktemp("scenes")
    draw_scenes(directory, COUNT // 2)
    draw_scenes(directory, COUNT // 2, seed=1, ending=".png")
    return sorted(directory.iterdir())


@pytest.fixture(scope="module")
def inference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inference]:
    yield load_inference("demo", DType.FP32, tmp_path_factory.mktemp("home"))


def decoded(files: list[Path], inference: Inference, which: int) -> np.ndarray:
    """uint8 `[n, 3, height, width]` for the embedder (0) or the captioner (1)."""
    spec = inference.producers[which].input
    images = [decode_image(file, [spec]) for file in files]
    assert {image.decode_path for image in images} == {DecodePath.FULL}
    return np.stack([image.arrays[0] for image in images])


def test_embeddings_are_those_of_open_clip(files: list[Path], inference: Inference) -> None:
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{MODELS / 'embedder'}")
    with torch.inference_mode():
        images = torch.stack([transform(Image.open(file)) for file in files])
        expected = model.eval().encode_image(images, normalize=True).numpy()
    ours = inference.embed_images(decoded(files, inference, 0))
    cosines = (ours * expected).sum(axis=1)
    assert cosines.min() >= 0.9999
    assert np.abs(ours @ expected.T - np.eye(COUNT)).max() > 0.1, (
        "the pictures are told apart, so that this says something"
    )


def test_captions_are_those_of_transformers(files: list[Path], inference: Inference) -> None:
    processor = BlipProcessor.from_pretrained(MODELS / "captioner")
    model = BlipForConditionalGeneration.from_pretrained(MODELS / "captioner").eval()
    expected = []
    for file in files:
        inputs = processor(images=Image.open(file).convert("RGB"), return_tensors="pt")
        tokens = model.generate(**inputs, max_new_tokens=20)
        expected.append(processor.decode(tokens[0], skip_special_tokens=True).strip())
    captions = inference.caption_images(decoded(files, inference, 1))
    assert [caption.text for caption in captions] == expected
    assert len(set(expected)) > COUNT // 2


def test_a_picture_in_pq_has_the_embedding_of_the_same_picture_in_srgb(
    files: list[Path], inference: Inference, tmp_path: Path
) -> None:
    """By code points alone, as cameras write it; 1 is the same direction."""
    for number, file in enumerate(files):
        with Image.open(file) as picture:
            (tmp_path / f"{number:02}.png").write_bytes(png(picture, BT_2020, PQ))
    plain = inference.embed_images(decoded(files, inference, 0))
    wide = inference.embed_images(decoded(sorted(tmp_path.iterdir()), inference, 0))
    assert (plain * wide).sum(axis=1).min() >= 0.99
