"""Decoding of everything but RAW: each format by its own decoder, and by no other.

The decoder is chosen by the content's magic number and named here, so that no file is tried on all that Pillow knows.
"""

from typing import BinaryIO

import numpy as np
from PIL import ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from image_pipeline.imaging import isobmff
from image_pipeline.imaging.colour import plain
from image_pipeline.imaging.jpeg_picture import JpegPicture
from image_pipeline.imaging.orientation import ORIENTATION_TAG, UPRIGHT, displayed_size, upright, valid_orientation
from image_pipeline.imaging.png import has_wrong_checksum, holds_all_rows, png_exif, png_xmp
from image_pipeline.imaging.png_picture import PngPicture
from image_pipeline.imaging.raster import Raster
from image_pipeline.imaging.tiff import file_size
from image_pipeline.imaging.zeros import ends_in_zeros
from image_pipeline.schema.decode_path import DecodePath
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.reason import ImageError, Reason

_PLANAR_CONFIGURATION, _SEPARATE_PLANES = 284, 2

_DECODERS: dict[ImageFormat, type[ImageFile.ImageFile]] = {
    ImageFormat.JPEG: JpegPicture,
    ImageFormat.PNG: PngPicture,
    ImageFormat.WEBP: WebPImageFile,
    ImageFormat.GIF: GifImageFile,
    ImageFormat.TIFF: TiffImageFile,
    ImageFormat.BMP: BmpImageFile,
    ImageFormat.HEIF: HeifImageFile,
    ImageFormat.AVIF: AvifImageFile,
}


def open_picture(file: BinaryIO, image_format: ImageFormat, max_pixels: int) -> ImageFile.ImageFile:
    """The picture in `file`, of which only the header is read.

    Raises ImageError where the header announces more than `max_pixels`, and whatever the decoder raises.
    """
    check_pixels(_pixels_before_opening(file, image_format), max_pixels)
    file.seek(0)
    image = _DECODERS[image_format](file)
    check_pixels(image.width * image.height, max_pixels)
    return image


def decode_picture(file: BinaryIO, image_format: ImageFormat, max_pixels: int) -> Raster:
    """The first frame of the picture in `file`, whole.

    Raises ImageError, and whatever the decoder raises.
    """
    if image_format in (ImageFormat.HEIF, ImageFormat.AVIF) and isobmff.is_truncated(file):
        raise ImageError(Reason.TRUNCATED, "the file ends before the picture data that it announces")
    image = open_picture(file, image_format, max_pixels)
    if image_format is ImageFormat.TIFF and not _has_all_strips(image):
        raise ImageError(Reason.TRUNCATED, "the file has fewer strips or tiles than its picture needs")
    image.load()
    if image_format is ImageFormat.PNG:
        _check_png(file, image)
        for name, block in (("exif", png_exif(file)), ("xmp", png_xmp(file))):
            if block is not None:
                image.info.setdefault(name, block)  # the orientation is told there
    elif image_format is ImageFormat.WEBP and ends_in_zeros(file, 0, file_size(file)):
        raise ImageError(Reason.TRUNCATED, "the picture data end in zeros that were never written over")
    # Only now: a PNG may tell its orientation behind its pixels, and a TIFF is turned while it is loaded.
    orientation = stored_orientation(image)
    width, height = displayed_size(*image.size, orientation)
    profile = image.info.get("icc_profile")
    return Raster(upright(plain(image), orientation), profile, width, height, DecodePath.FULL)


def _has_all_strips(image: ImageFile.ImageFile) -> bool:
    """Whether the strips or tiles of a TIFF cover its picture: where there are none, Pillow leaves it black."""
    planes = len(image.getbands()) if image.getexif().get(_PLANAR_CONFIGURATION) == _SEPARATE_PLANES else 1
    extents = [tile.extents or (0, 0, *image.size) for tile in image.tile]
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in extents)
    # One of another codec than `raw` stands for the whole file: libtiff knows its strips.
    return any(tile.codec_name != "raw" for tile in image.tile) or covered >= planes * image.width * image.height


def _check_png(file: BinaryIO, image: ImageFile.ImageFile) -> None:
    if has_wrong_checksum(file):
        raise ImageError(Reason.CORRUPT, "a chunk of the picture data has a wrong checksum")
    # Two, since the last one belongs to the last but one pass of an interlaced picture of odd height.
    last_rows = np.asarray(image.crop((0, max(0, image.height - 2), image.width, image.height)))
    if not all(row.any() for row in last_rows) and not holds_all_rows(file):
        raise ImageError(Reason.TRUNCATED, "the picture data end before the picture does")


def stored_orientation(image: ImageFile.ImageFile) -> int:
    """How the pixels that `image` gives lie (1–8), 1 where nothing, or nothing valid, is said."""
    if isinstance(image, HeifImageFile):
        return UPRIGHT  # libheif has turned them already
    try:
        return valid_orientation(image.getexif().get(ORIENTATION_TAG))
    except Exception:  # any damage to an EXIF block: the picture is still a picture
        return UPRIGHT


def check_pixels(pixels: int, max_pixels: int) -> None:
    """Raise ImageError where a picture has more than `max_pixels`."""
    if pixels > max_pixels:
        raise ImageError(Reason.TOO_MANY_PIXELS, f"{pixels:,} pixels announced, more than the {max_pixels:,} allowed")


def announced_pixels(file: BinaryIO, image_format: ImageFormat) -> int:
    """The pixels that a file's header announces; 0 for a RAW, and where there is no sound header."""
    try:
        pixels = _pixels_before_opening(file, image_format)
        if pixels or image_format not in _DECODERS:
            return pixels
        file.seek(0)
        image = _DECODERS[image_format](file)
        return image.width * image.height
    except Exception:  # any damage
        return 0


def _pixels_before_opening(file: BinaryIO, image_format: ImageFormat) -> int:
    """The pixels announced, of those formats whose decoders take memory for the picture as soon as they see the
    header; 0 of the others."""
    if image_format is ImageFormat.WEBP:
        return _webp_pixels(file)
    return isobmff.largest_picture(file) if image_format in (ImageFormat.HEIF, ImageFormat.AVIF) else 0


def _webp_pixels(file: BinaryIO) -> int:
    """The pixels that a WebP file's header announces; 0 when it is none that is known."""
    file.seek(12)
    head = file.read(18)
    match head[:4]:
        case b"VP8X":
            width, height = int.from_bytes(head[12:15], "little") + 1, int.from_bytes(head[15:18], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(head[9:13], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (14, 16))
        case _:
            return 0
    return width * height
