"""Trains the two demo models on scenes that it draws, and writes them into the package.

    python scripts/train_demo_models.py [--further] [embedder] [captioner]

It takes about forty minutes on two cores. `scripts/evaluate_demo_models.py` evaluates the models.
"""

import argparse
import json
import math
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import open_clip
import torch
from demo_data import SIZE, SPECIAL, VOCABULARY, Drawn, draw_pairs, phrasing
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

from image_pipeline.demo.scenes import caption

MODELS = Path(__file__).parents[1] / "image_pipeline" / "demo" / "models"
SEED = 20_261_121
TRAIN_PAIRS = 24_000
CONTEXT = 24
DIMENSION = 128

EMBEDDER_CONFIGURATION = {
    "model_cfg": {
        "embed_dim": DIMENSION,
        # a small ResNet: on a CPU, a vision transformer takes three times as long to reach the same loss
        "vision_cfg": {"image_size": SIZE, "layers": [1, 1, 1, 1], "width": 24},
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": len(VOCABULARY),
            "width": 128,
            "heads": 4,
            "layers": 3,
            "hf_tokenizer_name": "words",
        },
    },
    "preprocess_cfg": {
        "size": [SIZE, SIZE],
        "mode": "RGB",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "interpolation": "bicubic",
        "resize_mode": "squash",
    },
}


def make_tokenizer() -> BertTokenizer:
    """A tokenizer that knows only the words of the scenes."""
    return BertTokenizer(vocab={word: index for index, word in enumerate(VOCABULARY)}, do_lower_case=True)


def augmented(pictures: np.ndarray, rng: np.random.Generator, mean: float, std: float) -> torch.Tensor:
    """uint8 `[n, 64, 64, 3]` to normalised float32 `[n, 3, 64, 64]`, with random changes of brightness and colour."""
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    count = len(pictures)
    gamma = torch.from_numpy(rng.uniform(0.85, 1.2, (count, 1, 1, 1)).astype(np.float32))
    gain = torch.from_numpy(
        (rng.uniform(0.95, 1.05, (count, 3, 1, 1)) * rng.uniform(0.92, 1.15, (count, 1, 1, 1))).astype(np.float32)
    )
    return ((pixels.clamp(1e-4, 1) ** gamma * gain).clamp(0, 1) - mean) / std


def schedule(step: int, steps: int, warm_up: int = 100) -> float:
    """The factor of the learning rate at a step: a linear warm-up, then half a cosine."""
    return min(step / warm_up, 0.5 * (1 + math.cos(math.pi * step / steps)))


def report(name: str, step: int, steps: int, loss: float, began: float) -> None:
    """Print a line of progress every hundred steps."""
    if step % 100 == 0:
        print(f"{name} {step}/{steps} loss {loss:.4f} {time.monotonic() - began:.0f} s", flush=True)


def mixed_rows(scenes: int, batch: int, rng: np.random.Generator) -> np.ndarray:
    """The rows of a batch: three quarters are random scenes, the rest are pairs of a scene and its near miss."""
    pairs = rng.choice(scenes // 2, batch // 8, replace=False)
    others = np.setdiff1d(rng.choice(scenes, 2 * batch, replace=False), np.concatenate([2 * pairs, 2 * pairs + 1]))
    return np.concatenate([2 * pairs, 2 * pairs + 1, rng.permutation(others)[: batch - 2 * len(pairs)]])


def train_embedder(
    directory: Path, drawn: Drawn, further: bool, steps: int = 4000, batch: int = 128, rate: float = 1.5e-3
) -> None:
    """Train a CLIP with a contrastive loss: a picture matches a text if it has all that the text asks for."""
    make_tokenizer().save_pretrained(directory)
    (directory / "open_clip_config.json").write_text(json.dumps(EMBEDDER_CONFIGURATION, indent=2) + "\n")
    torch.manual_seed(SEED)
    model = open_clip.create_model(f"local-dir:{directory}", load_weights=False).train()
    if further:
        model.load_state_dict(load_file(MODELS / "embedder" / "open_clip_model.safetensors"))
    tokenizer = open_clip.get_tokenizer(f"local-dir:{directory}")
    print(f"embedder: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters", flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.98), weight_decay=0.1)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, steps))
    rng, began = np.random.default_rng(SEED + further), time.monotonic()
    for step in range(1, steps + 1):
        rows = mixed_rows(len(drawn.scenes), batch, rng)
        scenes = [drawn.scenes[row] for row in rows]
        asked = [phrasing(scene, rng) for scene in scenes]
        images = augmented(drawn.pictures[rows], rng, 0.5, 0.25)
        with torch.autocast("cpu", torch.bfloat16):
            image_features = model.encode_image(images, normalize=True)
            text_features = model.encode_text(tokenizer([one.text for one in asked]), normalize=True)
        logits = model.logit_scale.exp() * text_features.float() @ image_features.float().T
        met = torch.tensor([[one.is_met_by(scene) for scene in scenes] for one in asked], dtype=torch.float32)
        loss = (
            functional.cross_entropy(logits, met / met.sum(dim=1, keepdim=True))
            + functional.cross_entropy(logits.T, met.T / met.T.sum(dim=1, keepdim=True))
        ) / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rates.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        report("embedder", step, steps, loss.item(), began)
    # fp16 halves the size in the repository; open_clip casts the weights to the type that it computes in
    weights = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(weights, directory / "open_clip_model.safetensors")


def train_captioner(
    directory: Path, drawn: Drawn, further: bool, steps: int = 5000, batch: int = 96, rate: float = 2e-3
) -> None:
    """Train a BLIP to predict the next word of the caption, given the picture."""
    sides = {"hidden_size": 112, "intermediate_size": 320, "num_attention_heads": 4}
    text = {
        **sides,
        "num_hidden_layers": 3,
        "encoder_hidden_size": sides["hidden_size"],
        # the token that begins every caption is one more than the tokenizer knows, as in published BLIP models
        "vocab_size": len(VOCABULARY) + 1,
        "max_position_embeddings": 32,
        "bos_token_id": len(VOCABULARY),
        "eos_token_id": VOCABULARY.index("[SEP]"),
        "sep_token_id": VOCABULARY.index("[SEP]"),
        "pad_token_id": SPECIAL.index("[PAD]"),
        "attention_probs_dropout_prob": 0.0,
        "hidden_dropout_prob": 0.0,
    }
    vision = {**sides, "num_hidden_layers": 5, "image_size": SIZE, "patch_size": 8}
    torch.manual_seed(SEED)
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
    if further:
        model = BlipForConditionalGeneration.from_pretrained(MODELS / "captioner")
    model.train()
    tokenizer = make_tokenizer()
    image_processor = BlipImageProcessor(
        size={"height": SIZE, "width": SIZE}, image_mean=[0.5] * 3, image_std=[0.25] * 3
    )
    BlipProcessor(image_processor, tokenizer).save_pretrained(directory)
    print(f"captioner: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters", flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.98), weight_decay=0.05)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, steps))
    rng, began = np.random.default_rng(SEED + further), time.monotonic()
    for step in range(1, steps + 1):
        rows = rng.choice(len(drawn.scenes), batch, replace=False)
        tokens = tokenizer([caption(drawn.scenes[row]) for row in rows], padding=True, return_tensors="pt")
        words = tokens.input_ids.clone()
        words[:, 0] = text["bos_token_id"]
        # the model shifts the labels itself; the first token and the padding are not learned
        labels = words.masked_fill(tokens.attention_mask == 0, -100)
        labels[:, 0] = -100
        with torch.autocast("cpu", torch.bfloat16):
            seen = model.vision_model(augmented(drawn.pictures[rows], rng, 0.5, 0.25)).last_hidden_state
            output = model.text_decoder(
                input_ids=words,
                attention_mask=tokens.attention_mask,
                encoder_hidden_states=seen,
                labels=labels,
                reduction="mean",
            )
        optimizer.zero_grad()
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rates.step()
        report("captioner", step, steps, output.loss.item(), began)
    model.save_pretrained(directory)


def main() -> None:
    """Train the given models, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "models", nargs="*", choices=["embedder", "captioner", []], help="models to train; both by default"
    )
    parser.add_argument("--further", action="store_true", help="continue training from the existing weights")
    chosen = parser.parse_args()
    models = chosen.models or ["embedder", "captioner"]
    drawn = draw_pairs(TRAIN_PAIRS, held_out=False, seed=SEED + chosen.further)
    trainings = {"embedder": train_embedder, "captioner": train_captioner}
    for name in models:
        # the existing models stay usable until the new ones are complete
        with TemporaryDirectory(dir=MODELS, prefix=f".{name}-") as directory:
            trainings[name](Path(directory), drawn, chosen.further)
            shutil.rmtree(MODELS / name, ignore_errors=True)
            shutil.copytree(directory, MODELS / name)


if __name__ == "__main__":
    main()
