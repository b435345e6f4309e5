"""The vectors are those that open_clip gives, whatever the batch, and memory that runs out costs time only."""

import json
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from image_pipeline.errors import ModelError
from image_pipeline.inference.device import Device
from image_pipeline.inference.embedder import Embedder
from image_pipeline.inference.models import resolve_models
from image_pipeline.settings import DType
from image_pipeline_tests.support.tiny_models import CLIP_SIZE, SIGLIP_SIZE

TEXTS = ["a red circle left of the blue star", "A Dog.", "green tree, green tree!", "bicycle"]


def embedder_in(directory: Path, home: Path, dtype: DType = DType.FP32) -> Embedder:
    source = resolve_models(f"{directory},none", home).embedder
    return Embedder(source, source.producer(dtype))


def embed(embedder: Embedder, images: np.ndarray) -> np.ndarray:
    return np.concatenate([vectors for _, vectors in embedder.embed_batches(images)])


def as_array(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])


def cropped(picture: Image.Image, size: int) -> Image.Image:
    """The shorter side to `size`, and the middle cut out."""
    width = int(size * picture.width / picture.height)
    left = round((width - size) / 2)
    return picture.resize((width, size), Image.Resampling.BICUBIC).crop((left, 0, left + size, size))


def squashed(picture: Image.Image, size: int) -> Image.Image:
    return picture.resize((size, size), Image.Resampling.BICUBIC)


def open_clips_own(directory: Path, pictures: list[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
    """What a user of open_clip gets for the pictures and for TEXTS, by open_clip's transform and tokenizer."""
    model: Any
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{directory}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{directory}")
    with torch.inference_mode():
        images = model.eval().encode_image(torch.stack([transform(picture) for picture in pictures]), normalize=True)
        texts = model.encode_text(tokenizer(TEXTS), normalize=True)
    return images.numpy(), texts.numpy()


@pytest.mark.parametrize(
    ("fixture", "prepare", "size"),
    [("clip_directory", cropped, CLIP_SIZE), ("siglip_directory", squashed, SIGLIP_SIZE)],
)
def test_vectors_are_open_clips_own(
    fixture: str,
    prepare: Any,
    size: int,
    pictures: list[Image.Image],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    directory = request.getfixturevalue(fixture)
    expected, expected_texts = open_clips_own(directory, pictures)
    embedder = embedder_in(directory, tmp_path)
    images = as_array([prepare(picture, size) for picture in pictures])

    vectors, texts = embed(embedder, images), embedder.embed_texts(TEXTS)

    assert vectors.dtype == texts.dtype == np.float32
    assert vectors.shape == (len(pictures), embedder.producer.dimension)
    assert (vectors * expected).sum(axis=1).min() >= 0.9999
    assert (texts * expected_texts).sum(axis=1).min() >= 0.9999
    # The comparison means something: other pictures and texts are far away.
    assert (expected @ expected.T - np.eye(len(pictures))).max() < 0.95
    assert (expected_texts @ expected_texts.T - np.eye(len(TEXTS))).max() < 0.95


@pytest.mark.parametrize("fixture", ["clip_directory", "siglip_directory"])
def test_bf16_stays_close_to_fp32_and_of_unit_length(
    fixture: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    directory = request.getfixturevalue(fixture)
    exact, short = (embedder_in(directory, tmp_path, dtype) for dtype in (DType.FP32, DType.BF16))
    spec = exact.producer.input
    images = np.random.default_rng(1).integers(0, 256, (5, 3, spec.height, spec.width), dtype=np.uint8)

    for first, second in (
        (embed(exact, images), embed(short, images)),
        (exact.embed_texts(TEXTS), short.embed_texts(TEXTS)),
    ):
        np.testing.assert_allclose(np.linalg.norm(second, axis=1), 1, atol=1e-6)
        assert second.dtype == np.float32
        assert (first * second).sum(axis=1).min() > 0.98
    assert short.device_text.endswith("bf16")


def test_batches_tell_their_rows_and_no_image_depends_on_its_batch(clip_directory: Path, tmp_path: Path) -> None:
    embedder = embedder_in(clip_directory, tmp_path)
    images = np.random.default_rng(2).integers(0, 256, (600, 3, CLIP_SIZE, CLIP_SIZE), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)

    batches = list(embedder.embed_batches(np.load(tmp_path / "images.npy", mmap_mode="r")))

    assert [rows for rows, _ in batches] == [slice(0, 512), slice(512, 600)]
    together = np.concatenate([vectors for _, vectors in batches])
    np.testing.assert_allclose(together[599:], embed(embedder, images[599:]), atol=1e-5)
    assert embedder.throughput is not None
    assert embedder.throughput.images == 601
    assert embedder.throughput.images_per_second > 0


def test_threads_that_ask_at_once_load_the_model_once(clip_directory: Path, tmp_path: Path) -> None:
    loads = []

    class Counting(Embedder):
        def _load(self, directory: Path, device: Device) -> torch.nn.Module:
            loads.append(directory)
            return super()._load(directory, device)

    source = resolve_models(f"{clip_directory},none", tmp_path).embedder
    embedder = Counting(source, source.producer(DType.FP32))
    images = np.random.default_rng(4).integers(0, 256, (4, 3, CLIP_SIZE, CLIP_SIZE), dtype=np.uint8)
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: embed(embedder, images), range(4)))

    assert loads == [clip_directory]
    for result in results:
        np.testing.assert_allclose(result, results[0], atol=1e-6)


def test_nothing_to_do_loads_nothing(clip_directory: Path, tmp_path: Path) -> None:
    embedder = embedder_in(clip_directory, tmp_path)
    assert list(embedder.embed_batches(np.empty((0, 3, CLIP_SIZE, CLIP_SIZE), np.uint8))) == []
    assert embedder.embed_texts([]).shape == (0, embedder.producer.dimension)
    assert embedder.throughput is None


@pytest.mark.parametrize(
    "images", [np.zeros((2, 3, 16, 16), np.uint8), np.zeros((2, 3, CLIP_SIZE, CLIP_SIZE), np.float32)]
)
def test_images_of_another_form_are_refused(images: np.ndarray, clip_directory: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected uint8 images"):
        embed(embedder_in(clip_directory, tmp_path), images)


@pytest.mark.parametrize("tensor", ["visual.proj", "visual.conv1.weight", "token_embedding.weight", "ln_final.bias"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_weights_that_are_not_finite_are_refused(tensor: str, value: str, clip_directory: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(clip_directory, broken)
    weights = load_file(broken / "open_clip_model.safetensors")
    weights[tensor].view(-1)[-1] = float(value)
    save_file(weights, broken / "open_clip_model.safetensors")

    refused = rf"broken has weights that are not finite \({tensor} in .*broken/open_clip_model.safetensors\): fetch"
    with pytest.raises(ModelError, match=refused):
        embed(embedder_in(broken, tmp_path), np.zeros((1, 3, CLIP_SIZE, CLIP_SIZE), np.uint8))


def test_a_tokenizer_that_is_missing_is_not_made_up(clip_directory: Path, tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    shutil.copytree(clip_directory, partial)
    (partial / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"partial in .* has no tokenizer \(tokenizer.json, .*fetch it again"):
        embedder_in(partial, tmp_path).embed_texts(["a red circle"])


def test_vectors_that_are_not_finite_are_refused(clip_directory: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(clip_directory, broken)
    weights = load_file(broken / "open_clip_model.safetensors")
    weights["visual.proj"][0, 0] = 3e38  # a number, of which two are none
    weights["visual.ln_post.weight"][:] = 1e3
    save_file(weights, broken / "open_clip_model.safetensors")

    with pytest.raises(
        ModelError, match="broken produces vectors that are not finite in fp32: set IMAGE_PIPELINE_DTYPE"
    ):
        embed(embedder_in(broken, tmp_path), np.zeros((1, 3, CLIP_SIZE, CLIP_SIZE), np.uint8))


def test_damaged_weights_are_named(clip_directory: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(clip_directory, damaged)
    weights = damaged / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])

    with pytest.raises(
        ModelError, match=r"The model damaged in .* cannot be loaded .*; fetch it again, or name a different model"
    ):
        embed(embedder_in(damaged, tmp_path), np.zeros((1, 3, CLIP_SIZE, CLIP_SIZE), np.uint8))


def test_weights_that_a_file_lacks_are_not_made_up(clip_directory: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    partial = tmp_path / "partial"
    shutil.copytree(clip_directory, partial)
    weights = load_file(partial / "open_clip_model.safetensors")
    del weights["visual.conv1.weight"]
    save_file(weights, partial / "open_clip_model.safetensors")
    embedder = embedder_in(partial, tmp_path)

    with pytest.raises(ModelError, match=r"partial .* cannot be loaded .*visual\.conv1\.weight"):
        embed(embedder, np.zeros((1, 3, CLIP_SIZE, CLIP_SIZE), np.uint8))


def test_memory_that_runs_out_halves_the_batch_and_changes_no_vector(clip_directory: Path, tmp_path: Path) -> None:
    """In a process of its own, whose address space is limited once the model is loaded."""
    program = textwrap.dedent(
        f"""
        import json, resource, sys
        from pathlib import Path
        import numpy as np
        from image_pipeline_tests.inference.test_embedder import embed, embedder_in

        directory, home = Path({str(clip_directory)!r}), Path({str(tmp_path)!r})
        count = 8192
        images = np.random.default_rng(3).integers(0, 256, (count, 3, {CLIP_SIZE}, {CLIP_SIZE}), dtype=np.uint8)
        embedder = embedder_in(directory, home)
        embedder.first_batch = count
        expected = embed(embedder_in(directory, home), images[:64])
        embed(embedder, images[:64])
        used = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmSize"))
        limit = used + (100 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        rows = [(rows.start, rows.stop, vectors) for rows, vectors in embedder.embed_batches(images)]
        assert [start for start, _, _ in rows] == [0, *(stop for _, stop, _ in rows[:-1])], "no row left out"
        vectors = np.concatenate([vectors for _, _, vectors in rows])
        print(json.dumps({{
            "batch_size": embedder.throughput.batch_size,
            "images": len(vectors),
            "least_cosine": float((vectors[:64] * expected).sum(axis=1).min()),
        }}))
        """
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["images"] == 8192
    assert 1 <= report["batch_size"] < 8192
    assert report["least_cosine"] > 0.9999
