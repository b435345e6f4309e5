"""Models of the real classes, small and untrained, written to disk in the layout of real ones."""

import json
from pathlib import Path
from typing import Any

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# fmt: off
_WORDS = [
    "a", "an", "and", "bicycle", "bird", "blue", "cat", "circle", "dog", "green", "in",
    "left", "of", "on", "photo", "red", "right", "star", "the", "tree", "white",
]
# fmt: on

CLIP_SIZE, SIGLIP_SIZE, BLIP_SIZE = 32, 48, 32
DIMENSION = 24

_VOCABULARY = _SPECIAL + _WORDS
_TEXT = {"vocab_size": len(_VOCABULARY), "width": 32, "heads": 2, "layers": 2, "context_length": 12}


def _tokenizer() -> Any:
    from transformers import BertTokenizer

    return BertTokenizer(vocab={word: index for index, word in enumerate(_VOCABULARY)})


def _spread(model: Any) -> None:
    """Make the outputs of an untrained model differ from one input to the next, as those of a trained one do."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 2.0 / parameter[0].numel() ** 0.5)


def _write_open_clip(directory: Path, config: dict[str, Any], seed: int) -> Path:
    import open_clip
    import torch
    from safetensors.torch import save_file

    directory.mkdir(parents=True)
    _tokenizer().save_pretrained(directory)
    (directory / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{directory}", load_weights=False)
    _spread(model)
    save_file(
        {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
        directory / "open_clip_model.safetensors",
    )
    return directory


def write_clip(directory: Path) -> Path:
    """A CLIP whose configuration leaves the preprocessing to open_clip's defaults: shortest side, cropped."""
    vision = {"image_size": CLIP_SIZE, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
    text = {**_TEXT, "hf_tokenizer_name": "words"}
    model = {"embed_dim": DIMENSION, "vision_cfg": vision, "text_cfg": text}
    return _write_open_clip(directory, {"model_cfg": model}, seed=1)


def write_siglip(directory: Path) -> Path:
    """A model made as the SigLIP ones are: vision tower of timm, squashed images, lower-case words, a bias."""
    model = {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": SIGLIP_SIZE,
            "timm_model_name": "test_vit",
            "timm_model_pretrained": False,
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": {
            **_TEXT,
            "hf_tokenizer_name": "words",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
        },
    }
    preprocess = {
        "size": [SIGLIP_SIZE, SIGLIP_SIZE],
        "mode": "RGB",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bicubic",
        "resize_mode": "squash",
        "fill_color": None,
    }
    return _write_open_clip(directory, {"model_cfg": model, "preprocess_cfg": preprocess}, seed=2)


def write_blip(directory: Path) -> Path:
    """A BLIP model for captions, as `save_pretrained` writes it."""
    import torch
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    sides = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    # The decoder knows two tokens more than the tokenizer, of which one begins every caption, as in the real ones.
    text = {
        **sides,
        "vocab_size": len(_VOCABULARY) + 2,
        "encoder_hidden_size": 32,
        "max_position_embeddings": 64,
        "bos_token_id": len(_VOCABULARY),
        "eos_token_id": _SPECIAL.index("[CLS]"),
        "sep_token_id": _SPECIAL.index("[SEP]"),
        "pad_token_id": _SPECIAL.index("[PAD]"),
    }
    torch.manual_seed(3)
    model = BlipForConditionalGeneration(
        BlipConfig(text_config=text, vision_config={**sides, "image_size": BLIP_SIZE, "patch_size": 8})
    )
    _spread(model)
    model.save_pretrained(directory)
    image_processor = BlipImageProcessor(size={"height": BLIP_SIZE, "width": BLIP_SIZE})
    BlipProcessor(image_processor, _tokenizer()).save_pretrained(directory)
    return directory
