"""Synthetic pictures with the coding cost of photographs: a 1/f spectrum, edges, texture and sensor noise."""

import numpy as np
from PIL import Image, ImageDraw

_OBJECTS = 24
_TEXTURE_DECAY = 0.45
"""The amplitude falls as frequency to this power: below 1 for trees and stone, above 1 for skies."""


def make_picture(seed: int, width: int, height: int) -> Image.Image:
    """An RGB picture of `width` × `height` without noise; equal seeds give equal pictures."""
    rng = np.random.default_rng(seed)
    light = 118 + 40 * _falling_off(rng, width, height, 1.0) + 60 * np.linspace(0.5, -0.5, height)[:, None]
    texture = 14 * _falling_off(rng, width, height, _TEXTURE_DECAY)
    light += texture * (np.asarray(_objects(rng, width, height, "L"), np.float32) / 128)
    chroma = [
        22 * _enlarged(_falling_off(rng, max(2, width // 8), max(2, height // 8), 1.2), width, height) for _ in "br"
    ]
    colours = np.asarray(_objects(rng, width, height, "RGB"), np.float32) - 128
    pixels = np.empty((height, width, 3), np.uint8)
    shares = ((0.0, 1.402), (-0.344, -0.714), (1.772, 0.0))
    for channel, (blue, red) in enumerate(shares):
        plane = light + blue * chroma[0] + red * chroma[1] + 0.4 * colours[..., channel]
        pixels[..., channel] = np.clip(plane, 0, 255)
    # expose for the brightest hundredth, as RAW converters do, so that their rendering is similar to the picture
    white = float(np.percentile(pixels[::8, ::8].max(axis=2), 99))
    stretched = np.clip(np.arange(256) * (255 / white), 0, 255).astype(np.uint8)
    return Image.fromarray(stretched[pixels])


def with_noise(picture: Image.Image, seed: int, deviation: float) -> Image.Image:
    """A picture with sensor noise of standard deviation `deviation` (levels of 255), mostly common to the channels.

    With 9, a JPEG of quality 92 takes about 3 bits per pixel, like those of cameras.
    """
    rng = np.random.default_rng(seed)
    pixels = np.asarray(picture)
    grain = rng.standard_normal(pixels.shape[:2], np.float32) * (0.8 * deviation)
    noisy = np.empty_like(pixels)
    for channel in range(3):
        own = rng.standard_normal(grain.shape, np.float32) * (0.6 * deviation)
        noisy[..., channel] = np.clip(pixels[..., channel] + grain + own, 0, 255)
    return Image.fromarray(noisy)


def _falling_off(rng: np.random.Generator, width: int, height: int, decay: float) -> np.ndarray:
    """Noise of mean 0 and deviation 1, float32 `[height, width]`: a sum of octaves, the first with 3 waves per side."""
    total = np.zeros((height, width), np.float32)
    longer = max(width, height)
    waves, amplitude = 3, 1.0
    while waves < longer:
        size = max(2, round(waves * height / longer)), max(2, round(waves * width / longer))
        total += amplitude * _enlarged(rng.standard_normal(size).astype(np.float32), width, height)
        waves, amplitude = 2 * waves, amplitude * 2**-decay
    deviation: np.ndarray = (total - total.mean()) / total.std()
    return deviation


def _enlarged(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    image = Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _objects(rng: np.random.Generator, width: int, height: int, mode: str) -> Image.Image:
    """Flat shapes with sharp edges on middle grey; later ones cover earlier ones."""
    image = Image.new(mode, (width, height), (128,) * len(mode) if mode == "RGB" else 128)
    draw = ImageDraw.Draw(image)
    for _ in range(_OBJECTS):
        level = tuple(int(value) for value in rng.integers(20, 236, len(mode)))
        fill = level if mode == "RGB" else level[0]
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        radius = min(width, height) * rng.uniform(0.03, 0.25)
        if rng.random() < 0.5:
            draw.ellipse((x - radius, y - radius * 0.7, x + radius, y + radius * 0.7), fill=fill)
        else:
            turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            corners = [(x + radius * float(np.cos(turn)), y + radius * float(np.sin(turn))) for turn in turns]
            draw.polygon(corners, fill=fill)
    return image
