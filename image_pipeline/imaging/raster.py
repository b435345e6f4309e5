"""Rasters: decoded pictures before they are resized, and the orientations in which files store them (EXIF tag 274)."""

from dataclasses import dataclass

from PIL import Image

from image_pipeline.imaging.colour_space import ColourSpace
from image_pipeline.schema.outcome import DecodePath

ORIENTATION_TAG = 274
UPRIGHT = 1

_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def valid_orientation(value: object) -> int:
    """`value` if it is one of the eight orientations, else upright."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def displayed_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """The width and height as displayed, of a picture stored as `width` × `height` in `orientation`."""
    return (height, width) if orientation >= 5 else (width, height)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """`image`, stored in `orientation`, rotated and mirrored to be upright."""
    transpose = _TRANSPOSES.get(orientation)
    return image if transpose is None else image.transpose(transpose)


@dataclass(frozen=True)
class Raster:
    """Pixels of a picture: upright, in mode L, RGB or CMYK, in the colour space `profile`, ICC's or not (None: sRGB).

    `damaged` says how much of the picture is missing in a damaged file; None if nothing is.
    `image` may be smaller than the full picture, whose size as displayed is `width` × `height`.
    """

    image: Image.Image
    profile: bytes | ColourSpace | None
    width: int
    height: int
    decode_path: DecodePath
    damaged: str | None = None
