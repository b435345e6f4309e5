"""Models with real architectures and random weights: speed does not depend on the weights."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.inputs.cache import cache_folder, made_once

_VOCABULARY = 30_522
_BEGIN, _SEPARATOR = 30_522, 102
_SPECIAL = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
_BLIP_SIZE = 384


def vit_b32() -> Path:
    """open_clip's ViT-B-32: a directory that the pipeline and open_clip's `local-dir:` can load."""
    return made_once(cache_folder() / "models" / "vit-b-32", partial(_write_open_clip, "ViT-B-32", {}))


def siglip2_b16() -> Path:
    """open_clip's ViT-B-16-SigLIP2 at 224 pixels, with open_clip's own tokenizer in place of Gemma's."""
    preprocess = {
        "size": [224, 224],
        "mode": "RGB",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bicubic",
        "resize_mode": "squash",
        "fill_color": None,
    }
    return made_once(
        cache_folder() / "models" / "siglip2-b-16", partial(_write_open_clip, "ViT-B-16-SigLIP2", preprocess)
    )


def blip_base() -> Path:
    """Salesforce/blip-image-captioning-base: a directory as `save_pretrained` writes it, with made-up words."""
    return made_once(cache_folder() / "models" / "blip-base", _write_blip)


def is_captioner(directory: Path) -> bool:
    """Whether the model in `directory` is a BLIP model; the others are those of open_clip."""
    return not (directory / "open_clip_config.json").exists()


def _spread(model: Any, gain: float) -> None:
    """Make the outputs of an untrained model differ between inputs, like those of a trained one.

    `gain` determines the effect of a small change of the pixels. At 1.8, a resize without antialiasing lowers the
    cosine of ViT-B/32 on real photographs to 0.948 (1.5: 0.983; 2.0: 0.909). For a trained CLIP, about 0.94 is reported
    (https://github.com/jina-ai/clip-as-service/issues/904).
    Word embeddings get small weights compared with positions and image; otherwise captions would repeat one word.
    """
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                own = 0.2 if "word_embeddings" in name else gain
                parameter.normal_(0, own / parameter[0].numel() ** 0.5)


def _write_open_clip(name: str, preprocess: dict[str, Any], directory: Path) -> None:
    import open_clip
    import torch
    from safetensors.torch import save_file

    config = open_clip.get_model_config(name)
    # without a name, open_clip uses its own tokenizer; the size of the vocabulary stays
    config["text_cfg"].pop("hf_tokenizer_name", None)
    directory.mkdir()
    content = {"model_cfg": config, **({"preprocess_cfg": preprocess} if preprocess else {})}
    (directory / "open_clip_config.json").write_text(json.dumps(content, indent=2))
    torch.manual_seed(1)
    model = open_clip.create_model(f"local-dir:{directory}", load_weights=False)
    _spread(model, 1.8)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, directory / "open_clip_model.safetensors")


def _tokenizer() -> Any:
    from transformers import BertTokenizer

    special = {number: word for word, number in _SPECIAL.items()}
    words = {special.get(number, f"word{number}"): number for number in range(_VOCABULARY)}
    return BertTokenizer(vocab=words)


def _write_blip(directory: Path) -> None:
    import torch
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    # the values of its config.json that differ from transformers' defaults
    text = {
        "vocab_size": _VOCABULARY + 2,
        "num_attention_heads": 12,
        "bos_token_id": _BEGIN,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "sep_token_id": _SEPARATOR,
    }
    torch.manual_seed(3)
    model = BlipForConditionalGeneration(
        BlipConfig(text_config=text, vision_config={"image_size": _BLIP_SIZE, "patch_size": 16})
    )
    _spread(model, 2.0)
    model.save_pretrained(directory)
    image_processor = BlipImageProcessor(
        size={"height": _BLIP_SIZE, "width": _BLIP_SIZE},
        image_mean=[0.48145466, 0.4578275, 0.40821073],
        image_std=[0.26862954, 0.26130258, 0.27577711],
    )
    BlipProcessor(image_processor, _tokenizer()).save_pretrained(directory)
