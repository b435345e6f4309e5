"""Colour conversion: from every pixel mode and colour profile that a file may have to sRGB.

Conversion takes two steps. `plain` converts a picture to one of three modes that can be resized without harm (L, RGB
and CMYK); `to_srgb` converts the small, resized picture to sRGB, so that applying a profile costs next to nothing.
"""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from image_pipeline.imaging.colour_space import ColourSpace, srgb_of

PLAIN_MODES = ("L", "RGB", "CMYK")

_WHITE_IS_ZERO, _PHOTOMETRIC, _BITS_PER_SAMPLE = 0, 262, 258
_CMS_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
_SAME_COLOUR = 3
"""The largest difference, in levels of 255, at which two colours count as equal."""


def plain(image: Image.Image) -> Image.Image:
    """Convert `image` to mode L, RGB or CMYK: transparency is laid on white, deeper pixels are scaled to 8 bits.

    An image that is already in one of these modes and has no transparency is returned unchanged.
    """
    if image.mode in PLAIN_MODES and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        return _from_deep_grey(image)
    if image.mode in ("I", "F"):
        return _from_unbounded(np.asarray(image, dtype=np.float32))
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "LAB":
        return _from_lab(image)
    if image.has_transparency_data:
        return _on_white(image)
    return image.convert("RGB")


def to_srgb(image: Image.Image, profile: bytes | ColourSpace | None) -> Image.Image:
    """Convert `image` (L, RGB or CMYK) to RGB in sRGB, from a colour space or from what an ICC `profile` describes.

    A profile that cannot be read, or does not match the picture's mode, is ignored, as in browsers.
    """
    if isinstance(profile, ColourSpace):
        pixels = np.asarray(image.convert("RGB"))
        return Image.fromarray(pixels if image.mode == "CMYK" else srgb_of(pixels, profile))
    transform = _transform(profile, image.mode) if profile else None
    if transform is not None:
        converted = ImageCms.applyTransform(image, transform)
        if converted is not None:
            return converted
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Convert grey of up to 16 bits to 8 bits; in a TIFF, BitsPerSample determines the white level."""
    white, inverted = 65535, False
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (16,))
        if isinstance(bits, tuple) and bits and 8 < bits[0] <= 16:
            white = (1 << int(bits[0])) - 1
        inverted = image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    levels = np.clip(np.rint(np.arange(65536) * (255.0 / white)), 0, 255).astype(np.uint8)
    return Image.fromarray((255 - levels if inverted else levels)[np.asarray(image)])


def _from_unbounded(values: np.ndarray) -> Image.Image:
    """Convert grey whose header states no white level to 8 bits.

    White is the lowest of 1, 255 and 65535 that no value exceeds; if none fits, the values' own range is used.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return Image.fromarray(np.zeros(values.shape, np.uint8))
    low, high = float(values[finite].min()), float(values[finite].max())
    white = next((limit for limit in (1.0, 255.0, 65535.0) if low >= 0.0 and high <= limit), None)
    if white is not None:
        low, high = 0.0, white
    scaled = (np.where(finite, values, low) - low) * (255.0 / ((high - low) or 1.0))
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _from_lab(image: Image.Image) -> Image.Image:
    transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    return ImageCms.applyTransform(image, transform) or image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    layer = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    grey = layer.mode == "LA"
    ground = Image.new("L" if grey else "RGB", layer.size, 255 if grey else (255, 255, 255))
    ground.paste(layer.getchannel(0) if grey else layer.convert("RGB"), mask=layer.getchannel("A"))
    return ground


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion to sRGB, or None if there is nothing to convert. Cached, since a library has few cameras."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _CMS_MODES.get(source.profile.xcolor_space.strip()) != mode:
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode != "CMYK" and _is_srgb(transform, mode) else transform


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a conversion to sRGB makes no visible difference.

    The test converts sample colours, since sRGB profiles have dozens of names, some of them wrong.
    """
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    if mode == "RGB":
        samples = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3))
    else:
        samples = Image.fromarray(levels.reshape(1, -1))
    converted = ImageCms.applyTransform(samples, transform)
    if converted is None:
        return False
    before, after = np.asarray(samples.convert("RGB"), np.int16), np.asarray(converted, np.int16)
    return bool(np.abs(before - after).max() <= _SAME_COLOUR)
