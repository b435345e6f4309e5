"""A decoded picture, before it is resized."""

from dataclasses import dataclass

from PIL import Image

from image_pipeline.schema.decode_path import DecodePath


@dataclass(frozen=True)
class Raster:
    """Pixels of a picture: upright, in mode L, RGB or CMYK, in the colour space of the ICC `profile` (None: sRGB).

    `image` may be smaller than the full picture, whose size as displayed is `width` × `height`.
    """

    image: Image.Image
    profile: bytes | None
    width: int
    height: int
    decode_path: DecodePath
