"""The captions are those that transformers gives, word for word, and the confidence is the model's own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BlipForConditionalGeneration, BlipProcessor

from image_pipeline.errors import ModelError
from image_pipeline.inference.captioner import Caption, Captioner
from image_pipeline.inference.models import resolve_models
from image_pipeline.inference.producer import Generation
from image_pipeline.settings import DType
from image_pipeline_tests.support.tiny_models import BLIP_SIZE


@pytest.fixture(scope="module")
def squares(pictures: list[Image.Image]) -> list[Image.Image]:
    return [picture.resize((BLIP_SIZE, BLIP_SIZE), Image.Resampling.BICUBIC) for picture in pictures]


def captioner_in(directory: Path, home: Path, generation: Generation, dtype: DType = DType.FP32) -> Captioner:
    source = resolve_models(f"bundled:embedder,{directory}", home).captioner
    assert source is not None
    return Captioner(source, source.producer(dtype, generation))


def captions_of(captioner: Captioner, squares: list[Image.Image]) -> list[Caption]:
    images = np.stack([np.asarray(square).transpose(2, 0, 1) for square in squares])
    return [caption for _, captions in captioner.caption_batches(images) for caption in captions]


@pytest.mark.parametrize("generation", [Generation(), Generation(max_new_tokens=6), Generation(beams=3)], ids=str)
def test_the_words_are_those_of_transformers(
    generation: Generation, blip_directory: Path, squares: list[Image.Image], tmp_path: Path
) -> None:
    processor = BlipProcessor.from_pretrained(blip_directory)
    model = BlipForConditionalGeneration.from_pretrained(blip_directory)
    expected = []
    for square in squares:
        tokens = model.generate(
            **processor(images=square, return_tensors="pt"),
            max_new_tokens=generation.max_new_tokens,
            num_beams=generation.beams,
        )
        expected.append(processor.decode(tokens[0], skip_special_tokens=True).strip())

    captions = captions_of(captioner_in(blip_directory, tmp_path, generation), squares)

    assert [caption.text for caption in captions] == expected
    assert len(set(expected)) > 5, "the comparison means something"


@pytest.mark.parametrize("beams", [1, 3])
def test_confidence_is_the_mean_probability_of_the_tokens(
    beams: int, blip_directory: Path, squares: list[Image.Image], tmp_path: Path
) -> None:
    generation = Generation(beams=beams)
    captions = captions_of(captioner_in(blip_directory, tmp_path, generation), squares)

    processor = BlipProcessor.from_pretrained(blip_directory)
    model = BlipForConditionalGeneration.from_pretrained(blip_directory)
    lengths = set()
    for caption, square in zip(captions, squares, strict=True):
        pixels = processor(images=square, return_tensors="pt").pixel_values
        with torch.inference_mode():
            tokens = model.generate(pixels, max_new_tokens=generation.max_new_tokens, num_beams=beams)
            # The whole caption read again at once: how probable is each token after those before it?
            logits = model.text_decoder(input_ids=tokens, encoder_hidden_states=model.vision_model(pixels)[0]).logits
        probabilities = logits[0, :-1].softmax(dim=-1).gather(1, tokens[0, 1:, None])
        assert caption.confidence == pytest.approx(float(probabilities.mean()), abs=1e-4)
        lengths.add(tokens.shape[1])
    assert len(lengths) > 1, "captions of different lengths, so that padding would show"


def test_weights_that_are_a_pickle_are_read_as_plain_weights_only(
    blip_directory: Path, squares: list[Image.Image], tmp_path: Path
) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(blip_directory, pickled)
    weights = load_file(pickled / "model.safetensors")
    (pickled / "model.safetensors").unlink()
    torch.save(weights, pickled / "pytorch_model.bin")
    captioners = [captioner_in(directory, tmp_path, Generation()) for directory in (blip_directory, pickled)]
    assert captions_of(captioners[0], squares) == captions_of(captioners[1], squares)

    torch.save({**weights, "code": Generation()}, pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"The model pickled in .* cannot be loaded"):
        captions_of(captioner_in(pickled, tmp_path, Generation()), squares)


def test_bf16_works_and_reports_itself(blip_directory: Path, squares: list[Image.Image], tmp_path: Path) -> None:
    captioner = captioner_in(blip_directory, tmp_path, Generation(), DType.BF16)
    captions = captions_of(captioner, squares)
    assert all(0 < caption.confidence <= 1 for caption in captions)
    assert captioner.throughput is not None
    assert captioner.throughput.images == len(squares)
    assert captioner.throughput.batch_size == Captioner.largest_batch, "a small model takes large batches"
    assert captioner.device_text.endswith("bf16")


def broken_copy(blip_directory: Path, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    broken = tmp_path / "broken"
    shutil.copytree(blip_directory, broken)
    weights = load_file(broken / "model.safetensors")
    change(weights)
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    return broken


VISION, CROSS = "vision_model.encoder.layers.0.self_attn.qkv.weight", "crossattention.self.key.weight"
DECODER = "text_decoder.bert.encoder.layer.1."


@pytest.mark.parametrize("tensor", [VISION, DECODER + CROSS, "text_decoder.bert.embeddings.word_embeddings.weight"])
@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("dtype", [DType.FP32, DType.BF16])
def test_weights_that_are_not_finite_are_refused(
    tensor: str, value: str, dtype: DType, blip_directory: Path, squares: list[Image.Image], tmp_path: Path
) -> None:
    def damage(weights: dict[str, torch.Tensor]) -> None:
        weights[tensor].view(-1)[-1] = float(value)

    broken = broken_copy(blip_directory, tmp_path, damage)
    refused = r"The model broken has weights that are not finite \(.* in .*broken/model.safetensors\): fetch it again"
    with pytest.raises(ModelError, match=refused):
        captions_of(captioner_in(broken, tmp_path, Generation(), dtype), squares)


def test_weights_that_a_file_lacks_are_not_made_up(
    blip_directory: Path, squares: list[Image.Image], tmp_path: Path
) -> None:
    broken = broken_copy(blip_directory, tmp_path, lambda weights: weights.__delitem__(DECODER + CROSS))
    with pytest.raises(ModelError, match=r"broken/model.safetensors lack 1 of the model's \(.*crossattention.self.key"):
        captions_of(captioner_in(broken, tmp_path, Generation()), squares)


def test_weights_of_another_shape_are_refused(blip_directory: Path, squares: list[Image.Image], tmp_path: Path) -> None:
    def halve(weights: dict[str, torch.Tensor]) -> None:
        weights[DECODER + CROSS] = weights[DECODER + CROSS][:16].clone()

    broken = broken_copy(blip_directory, tmp_path, halve)
    with pytest.raises(ModelError, match=r"The model broken in .* cannot be loaded"):
        captions_of(captioner_in(broken, tmp_path, Generation()), squares)


def test_a_tokenizer_that_is_missing_is_not_made_up(
    blip_directory: Path, squares: list[Image.Image], tmp_path: Path
) -> None:
    broken = broken_copy(blip_directory, tmp_path, lambda weights: None)
    (broken / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"broken in .* has no tokenizer \(tokenizer.json, .*fetch it again"):
        captions_of(captioner_in(broken, tmp_path, Generation()), squares)


@pytest.mark.parametrize("dtype", [DType.FP32, DType.BF16])
def test_what_becomes_no_number_on_the_way_is_refused(
    dtype: DType, blip_directory: Path, squares: list[Image.Image], tmp_path: Path
) -> None:
    def enlarge(weights: dict[str, torch.Tensor]) -> None:
        weights["vision_model.post_layernorm.weight"].fill_(3e38)  # a number, of which two are none

    broken = broken_copy(blip_directory, tmp_path, enlarge)
    refused = f"The model broken produces probabilities that are not finite in {dtype}: set IMAGE_PIPELINE_DTYPE"
    with pytest.raises(ModelError, match=refused):
        captions_of(captioner_in(broken, tmp_path, Generation(), dtype), squares)
