"""Configuration files of models: the input and output of a model, read without loading it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_pipeline.errors import ModelError
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode

# The default of open_clip if `preprocess_cfg` and `vision_cfg` state no size (PreprocessCfg in open_clip.transform,
# CLIPVisionCfg in open_clip.model), and the default of transformers for BLIP (BlipImageProcessor).
_OPEN_CLIP_SIZE = 224
_BLIP_SIZE = 384

_PIL_BILINEAR, _PIL_BICUBIC = 2, 3
_RESAMPLE = {_PIL_BILINEAR: Interpolation.BILINEAR, _PIL_BICUBIC: Interpolation.BICUBIC}


@dataclass(frozen=True)
class EmbedderConfiguration:
    """The input of an open_clip model, the length of its vectors, and whether its tokenizer is in files beside it."""

    input: InputSpec
    dimension: int
    has_tokenizer_files: bool


def read_embedder_configuration(directory: Path) -> EmbedderConfiguration:
    """The configuration in `open_clip_config.json`, with open_clip's defaults for omitted values.

    Raises ModelError if the file is missing, is not JSON, or asks for an unknown preprocessing.
    """
    path = directory / "open_clip_config.json"
    content = _read(path)
    try:
        model, preprocess = content["model_cfg"], content.get("preprocess_cfg", {})
        # A null counts as omitted. The size is the vision tower's, whatever the preprocessing says.
        given = {key: value for key, value in preprocess.items() if value is not None}
        height, width = _height_and_width(model["vision_cfg"].get("image_size", _OPEN_CLIP_SIZE))
        interpolation = given.get("interpolation", "bicubic")
        spec = InputSpec(
            height,
            width,
            ResizeMode(given.get("resize_mode", "shortest")),
            # "random" is for training; open_clip uses bicubic for inference.
            Interpolation("bicubic" if interpolation == "random" else interpolation),
            int(given.get("fill_color", 0)),
        )
        return EmbedderConfiguration(spec, int(model["embed_dim"]), bool(model["text_cfg"].get("hf_tokenizer_name")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(_not_understood(path, error)) from error


def read_captioner_input(directory: Path) -> InputSpec:
    """The input of a BLIP model, from `processor_config.json` or the older `preprocessor_config.json`.

    Raises ModelError if there is no valid one, or if `config.json` describes a model other than BLIP.
    """
    model_type = _read(directory / "config.json").get("model_type")
    if model_type != "blip":
        raise ModelError(
            f"The captioner in {directory} is a {model_type!r} model, but only BLIP is supported: name a BLIP model in "
            "IMAGE_PIPELINE_MODELS."
        )
    path = directory / "processor_config.json"
    # Before version 5 of transformers, processor_config.json held no image processor, if it existed at all.
    processor = _read(path).get("image_processor") if path.is_file() else None
    if processor is None:
        path = directory / "preprocessor_config.json"
        processor = _read(path)
    try:
        size = processor.get("size")
        height, width = _height_and_width(_BLIP_SIZE if size is None else size)
        resample = processor.get("resample")
        return InputSpec(height, width, ResizeMode.SQUASH, _RESAMPLE[_PIL_BICUBIC if resample is None else resample])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(_not_understood(path, error)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"The model's configuration {path} cannot be read ({error.strerror}): check IMAGE_PIPELINE_MODELS."
        ) from error
    except ValueError as error:
        raise ModelError(_not_understood(path, error)) from error
    if not isinstance(content, dict):
        raise ModelError(_not_understood(path, TypeError("not an object")))
    return content


def _height_and_width(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        return int(size["height"]), int(size["width"])
    if isinstance(size, list):
        height, width = size if len(size) == 2 else (*size, *size)
        return int(height), int(width)
    return int(size), int(size)


def _not_understood(path: Path, error: Exception) -> str:
    return (
        f"The model's configuration {path} is not valid ({type(error).__name__}: {error}): fetch the model again, or "
        "name a different one in IMAGE_PIPELINE_MODELS."
    )
