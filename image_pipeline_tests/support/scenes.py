"""Small pictures, drawn here, that real files are made of."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageDraw

pillow_heif.register_heif_opener()


def scene(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A picture without any symmetry: a gradient, a red disc at the top left, a blue bar on the right."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    pixels = np.stack([90 + 80 * across, 120 + 60 * down, 140 - 60 * across], axis=-1).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.1, height * 0.1, width * 0.4, height * 0.5), fill=(210, 30, 30))
    draw.rectangle((width * 0.8, height * 0.3, width * 0.95, height * 0.95), fill=(20, 40, 200))
    return image.convert(mode)


def photograph(width: int, height: int) -> Image.Image:
    """A larger picture with detail at every scale, as photographs have."""
    generator = np.random.default_rng(7)
    pixels = np.asarray(scene(width, height), np.float64)
    for cells in (8, 32, 128):
        noise = generator.normal(0, 60 / cells**0.5, (cells, cells, 3))
        layers = [Image.fromarray(noise[..., band].astype(np.float32)) for band in range(3)]
        pixels += np.stack(
            [np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC)) for layer in layers], -1
        )
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def exif(orientation: int | None = None, **tags: object) -> bytes:
    """An EXIF block with the given orientation, and tags by number (`t271="Make"`)."""
    block = Image.Exif()
    if orientation is not None:
        block[274] = orientation
    for name, value in tags.items():
        block[int(name[1:])] = value
    return block.tobytes()


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    """`image` as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


ENCODERS: dict[str, Callable[[Image.Image], bytes]] = {
    ".jpg": lambda image: encoded(image, "JPEG", quality=95),
    ".progressive.jpg": lambda image: encoded(image, "JPEG", quality=95, progressive=True),
    ".png": lambda image: encoded(image, "PNG"),
    ".webp": lambda image: encoded(image, "WEBP", quality=95),
    ".gif": lambda image: encoded(image.quantize(64), "GIF"),
    ".bmp": lambda image: encoded(image, "BMP"),
    ".tif": lambda image: encoded(image, "TIFF"),
    ".deflate.tif": lambda image: encoded(image, "TIFF", compression="tiff_adobe_deflate"),
    ".heic": lambda image: encoded(image, "HEIF", quality=95),
    ".avif": lambda image: encoded(image, "AVIF", quality=95),
}
"""A file of every format that Pillow writes, by the ending that it is given."""


def endless_jpeg(scans: int = 100_000) -> bytes:
    """A progressive JPEG of 16 million pixels that refines each of them `scans` times: 1.5 ms of work by 10 bytes."""
    start = encoded(Image.new("L", (4000, 4000), 90), "JPEG", progressive=True)[:-2]
    refinement = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 0, 0, 0x10)
    return start + refinement * scans + b"\xff\xd9"


def write(directory: Path, name: str, content: bytes) -> Path:
    """A file of that name and content."""
    path = directory / name
    path.write_bytes(content)
    return path


def to_image(array: np.ndarray) -> Image.Image:
    """A decoded array as a picture."""
    return Image.fromarray(array.transpose(1, 2, 0))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The mean difference of two uint8 arrays, in levels."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


def wide_gamut_profile() -> bytes:
    """A profile whose red and green are swapped: that it was applied is plain to see."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)
