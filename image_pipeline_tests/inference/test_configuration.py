"""What is read without torch is what open_clip and transformers come to once they have loaded the model."""

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
from transformers import BlipImageProcessor

from image_pipeline.errors import ModelError
from image_pipeline.inference.configuration import read_captioner_input, read_embedder_configuration
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode

VISION = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8}
TEXT = {"vocab_size": 20, "width": 32, "heads": 2, "layers": 1, "context_length": 8}


def write_embedder(directory: Path, vision: dict[str, Any], preprocess: dict[str, Any] | None) -> None:
    model = {"embed_dim": 16, "vision_cfg": vision, "text_cfg": TEXT}
    content = {"model_cfg": model} if preprocess is None else {"model_cfg": model, "preprocess_cfg": preprocess}
    (directory / "open_clip_config.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("vision", "preprocess"),
    [
        (VISION, None),
        (VISION, {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
        (VISION, {"interpolation": "bilinear", "resize_mode": "squash", "size": [32, 32], "mode": "RGB"}),
        (VISION, {"interpolation": None, "resize_mode": None, "fill_color": None}),
        (VISION, {"resize_mode": "longest", "fill_color": 127}),
        (VISION, {"size": 64}),
        ({**VISION, "image_size": [32, 64]}, None),
        ({key: value for key, value in VISION.items() if key != "image_size"}, None),
    ],
)
def test_embedder_is_as_open_clip_loads_it(
    vision: dict[str, Any], preprocess: dict[str, Any] | None, tmp_path: Path
) -> None:
    write_embedder(tmp_path, vision, preprocess)
    model: Any = open_clip.create_model(f"local-dir:{tmp_path}", load_weights=False)
    loaded = model.visual.preprocess_cfg
    height, width = loaded["size"] if isinstance(loaded["size"], (tuple, list)) else (loaded["size"],) * 2

    configuration = read_embedder_configuration(tmp_path)

    assert configuration.input == InputSpec(
        height, width, ResizeMode(loaded["resize_mode"]), Interpolation(loaded["interpolation"]), loaded["fill_color"]
    )
    assert configuration.dimension == model.visual.output_dim
    assert not configuration.has_tokenizer_files


def write_captioner(directory: Path, **files: object) -> None:
    for name, content in {"config": {"model_type": "blip"}, **files}.items():
        (directory / f"{name}.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "processor",
    [{"size": {"height": 384, "width": 384}, "resample": 3}, {"size": 96, "resample": 2}, {}, {"resample": None}],
)
def test_captioner_is_as_transformers_reads_it(processor: dict[str, Any], tmp_path: Path) -> None:
    """In the layout of the published models, which are older than version 5 of transformers."""
    write_captioner(tmp_path, preprocessor_config={"image_processor_type": "BlipImageProcessor", **processor})
    loaded = BlipImageProcessor.from_pretrained(tmp_path)

    spec = read_captioner_input(tmp_path)

    assert (spec.height, spec.width) == (loaded.size["height"], loaded.size["width"])
    assert spec.resize_mode is ResizeMode.SQUASH
    assert spec.interpolation is (Interpolation.BILINEAR if loaded.resample == 2 else Interpolation.BICUBIC)


def test_captioner_in_the_layout_of_transformers_5(blip_directory: Path) -> None:
    assert not (blip_directory / "preprocessor_config.json").exists()
    assert read_captioner_input(blip_directory) == InputSpec(32, 32, ResizeMode.SQUASH, Interpolation.BICUBIC)


def test_captioner_with_a_processor_file_that_holds_no_image_processor(tmp_path: Path) -> None:
    write_captioner(tmp_path, processor_config={"processor_class": "BlipProcessor"}, preprocessor_config={"size": 48})
    assert read_captioner_input(tmp_path).height == 48


def test_a_captioner_that_is_not_blip_is_named(tmp_path: Path) -> None:
    write_captioner(tmp_path, config={"model_type": "git"})
    with pytest.raises(ModelError, match="is a 'git' model, but only BLIP is supported"):
        read_captioner_input(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "not an object"),
        ('{"model_cfg": {"embed_dim": 16}}', "KeyError"),
        (
            '{"model_cfg": {"embed_dim": 1, "vision_cfg": {}, "text_cfg": {}}, "preprocess_cfg": {"resize_mode": "x"}}',
            "'x'",
        ),
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text(content)
    with pytest.raises(ModelError, match=rf"open_clip_config.json is not valid \(.*{reason}"):
        read_embedder_configuration(tmp_path)


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"open_clip_config.json cannot be read \(No such file or directory\)"):
        read_embedder_configuration(tmp_path)
