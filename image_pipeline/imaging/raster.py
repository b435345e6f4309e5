"""A decoded picture, on its way to the sizes that are wanted of it."""

from dataclasses import dataclass

from PIL import Image

from image_pipeline.schema.decode_path import DecodePath


@dataclass(frozen=True)
class Raster:
    """Pixels of a picture: upright, in mode L, RGB or CMYK, in the colours of the ICC `profile` (None: sRGB).

    `image` may be smaller than the picture, whose full size as displayed is `width` × `height`.
    """

    image: Image.Image
    profile: bytes | None
    width: int
    height: int
    decode_path: DecodePath
