"""Points with realistic payload, without photographs."""

import hashlib

import numpy as np

from image_pipeline.collection.points import Point, make_point

_CAMERAS = (("Demo", "Demo Mirrorless 5"), ("Demo", "Demo Compact 2"), ("Sample Optics", "Sample Phone 12"))
_WORDS = ("a", "dog", "beach", "mountain", "red", "child", "with", "on", "street", "car", "tree", "blue", "sky", "the")
_COPIES = 20
"""One file in this many is a copy of a different one."""


def make_points(first: int, count: int, dimension: int, producer: str) -> list[Point]:
    """`count` points of a library, from number `first`: float32 unit vectors, and about 25 fields of payload."""
    rng = np.random.default_rng(first)
    vectors = rng.standard_normal((count, dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [_point(first + offset, vector.tolist(), rng, producer) for offset, vector in enumerate(vectors)]


def _point(number: int, vector: list[float], rng: np.random.Generator, producer: str) -> Point:
    make, model = _CAMERAS[number % len(_CAMERAS)]
    directory = f"20{number // 5000 % 30:02d}/trip {number // 200}"
    content = number - 1 if number % _COPIES == _COPIES - 1 else number
    day, second = number % 28 + 1, number % 60
    payload = {
        "directory": directory,
        "partition": directory,
        "sha256": hashlib.sha256(str(content).encode()).hexdigest(),
        "size_bytes": int(rng.integers(2_000_000, 9_000_000)),
        "caption": " ".join(rng.choice(_WORDS, 9)),
        "caption_confidence": round(float(rng.random()), 4),
        "width": 4032,
        "height": 3024,
        "orientation": 1,
        "taken_at": f"20{10 + number % 15}-0{number % 9 + 1}-{day:02d}T12:{second:02d}:{second:02d}+01:00",
        "camera_make": make,
        "camera_model": model,
        "lens": f"{model} 24-70mm F2.8-4",
        "iso": 400,
        "exposure_s": 0.004,
        "f_number": 4.0,
        "focal_length_mm": 35.0,
        "place": {"lat": float(rng.uniform(-60, 60)), "lon": float(rng.uniform(-180, 180))} if number % 3 else None,
        "decode_path": "scaled",
        "embedding_producer": producer,
        "caption_producer": "caption blip-base@random 384x384-squash-bicubic auto 20-tokens-1-beam",
        "run_id": "00000000-0000-0000-0000-000000000000",
        "ingested_at": "2026-11-25T12:00:00+00:00",
    }
    return make_point(f"{directory}/IMG_{number:06d}.jpg", vector, payload)
