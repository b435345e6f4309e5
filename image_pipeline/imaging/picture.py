"""Decoding of all formats but JPEG and RAW, each only by its own decoder.

The magic number of the content selects the decoder, so that Pillow does not try all its decoders on a file.
"""

from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from PIL import ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.PcxImagePlugin import PcxImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TgaImagePlugin import TgaImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from image_pipeline.imaging import isobmff
from image_pipeline.imaging.colour import plain
from image_pipeline.imaging.colour_space import ColourSpace, of_code_points
from image_pipeline.imaging.deep_jpeg import open_jpeg
from image_pipeline.imaging.jpeg_2000 import is_jpeg_2000_truncated, jpeg_2000_blocks
from image_pipeline.imaging.jpeg_xl import JxlPicture
from image_pipeline.imaging.pcx import is_pcx_truncated
from image_pipeline.imaging.photoshop import PsdPicture
from image_pipeline.imaging.pillow_files import PngPicture
from image_pipeline.imaging.png import has_wrong_checksum, holds_all_rows, png_code_points, png_exif, png_xmp
from image_pipeline.imaging.raster import ORIENTATION_TAG, UPRIGHT, Raster, displayed_size, upright, valid_orientation
from image_pipeline.imaging.tiff import file_size
from image_pipeline.imaging.tiff_file import open_tiff
from image_pipeline.imaging.zeros import ends_in_zeros
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason

_PLANAR_CONFIGURATION, _SEPARATE_PLANES = 284, 2

_DECODERS: dict[ImageFormat, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    ImageFormat.JPEG: open_jpeg,
    ImageFormat.PNG: PngPicture,
    ImageFormat.WEBP: WebPImageFile,
    ImageFormat.GIF: GifImageFile,
    ImageFormat.TIFF: open_tiff,
    ImageFormat.BMP: BmpImageFile,
    ImageFormat.HEIF: HeifImageFile,
    ImageFormat.AVIF: AvifImageFile,
    ImageFormat.JPEG_XL: JxlPicture,
    ImageFormat.JPEG_2000: Jpeg2KImageFile,
    ImageFormat.PSD: PsdPicture,
    ImageFormat.PNM: PpmImageFile,
    ImageFormat.TGA: TgaImageFile,
    ImageFormat.PCX: PcxImageFile,
}


def open_picture(file: BinaryIO, image_format: ImageFormat, max_pixels: int) -> ImageFile.ImageFile:
    """Open the picture in `file`, reading only its header.

    Raises ImageError if the header declares more than `max_pixels`, and whatever the decoder raises.
    """
    check_pixels(_pixels_before_opening(file, image_format), max_pixels)
    file.seek(0)
    image = _DECODERS[image_format](file)
    check_pixels(image.width * image.height, max_pixels)
    if image_format is ImageFormat.JPEG_2000:
        image.info.update(jpeg_2000_blocks(file))
    return image


def decode_picture(file: BinaryIO, image_format: ImageFormat, max_pixels: int) -> Raster:
    """Decode the first frame of the picture in `file` completely.

    Raises ImageError, and whatever the decoder raises.
    """
    if image_format in (ImageFormat.HEIF, ImageFormat.AVIF) and isobmff.is_truncated(file):
        raise ImageError(Reason.TRUNCATED, "the file ends before the end of its picture data")
    if image_format is ImageFormat.PCX and is_pcx_truncated(file):
        raise ImageError(Reason.TRUNCATED, "the file ends before the end of its palette")
    image = open_picture(file, image_format, max_pixels)
    if image_format is ImageFormat.JPEG_2000 and is_jpeg_2000_truncated(file):
        raise ImageError(Reason.TRUNCATED, "the file ends before the end of its picture data")
    if isinstance(image, TiffImageFile) and not _has_all_strips(image):
        raise ImageError(Reason.TRUNCATED, "the file has fewer strips or tiles than its picture needs")
    image.load()
    if image_format is ImageFormat.PNG:
        _check_png(file, image)
        for name, block in (("exif", png_exif(file)), ("xmp", png_xmp(file))):
            if block is not None:
                image.info.setdefault(name, block)  # the orientation may be there
    elif _may_end_in_no_zeros(image_format, image) and ends_in_zeros(file, 0, file_size(file)):
        raise ImageError(Reason.TRUNCATED, "the picture data ends in zeros that were never overwritten")
    # Only now: a PNG may store its orientation after its pixels, and Pillow rotates a TIFF while it loads it.
    orientation = stored_orientation(image)
    width, height = displayed_size(*image.size, orientation)
    profile = profile_of(file, image_format, image)
    return Raster(upright(plain(image), orientation), profile, width, height, DecodePath.FULL)


def _may_end_in_no_zeros(image_format: ImageFormat, image: ImageFile.ImageFile) -> bool:
    """Whether a sound file cannot end in a tenth of zeros: they would be runs in a PCX, except in its palette."""
    return image_format is ImageFormat.WEBP or (image_format is ImageFormat.PCX and image.mode != "P")


def profile_of(file: BinaryIO, image_format: ImageFormat, image: ImageFile.ImageFile) -> bytes | ColourSpace | None:
    """The colour space of a decoded picture. In a PNG, code points go before an ICC profile (third edition, 4.3)."""
    profile = image.info.get("icc_profile") or None
    points = None
    if image_format is ImageFormat.PNG:
        points = png_code_points(file)
    elif image_format in (ImageFormat.HEIF, ImageFormat.AVIF) and profile is None:
        points = isobmff.code_points(file)
    elif image_format is ImageFormat.JPEG_XL:
        return image.info.get("colour_space")
    return profile if points is None else of_code_points(*points)


def _has_all_strips(image: ImageFile.ImageFile) -> bool:
    """Whether the strips or tiles of a TIFF cover its picture: Pillow leaves uncovered parts black."""
    planes = len(image.getbands()) if image.getexif().get(_PLANAR_CONFIGURATION) == _SEPARATE_PLANES else 1
    extents = [tile.extents or (0, 0, *image.size) for tile in image.tile]
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in extents)
    # A tile with a codec other than `raw` represents the whole file: libtiff handles its strips.
    return any(tile.codec_name != "raw" for tile in image.tile) or covered >= planes * image.width * image.height


def _check_png(file: BinaryIO, image: ImageFile.ImageFile) -> None:
    if has_wrong_checksum(file):
        raise ImageError(Reason.CORRUPT, "a chunk of the picture data has a wrong checksum")
    # Two rows: if the height is odd, the last row of an interlaced picture belongs to the second-to-last pass.
    last_rows = np.asarray(image.crop((0, max(0, image.height - 2), image.width, image.height)))
    if not all(row.any() for row in last_rows) and not holds_all_rows(file):
        raise ImageError(Reason.TRUNCATED, "the picture data ends before the picture is complete")


def stored_orientation(image: ImageFile.ImageFile) -> int:
    """The orientation (1–8) of the pixels that `image` delivers; 1 if none, or no valid one, is stored."""
    if isinstance(image, HeifImageFile | JxlPicture):
        return UPRIGHT  # libheif and libjxl have already rotated them
    try:
        return valid_orientation(image.getexif().get(ORIENTATION_TAG))
    except Exception:  # any damage to an EXIF block: the picture may still be sound
        return UPRIGHT


def check_pixels(pixels: int, max_pixels: int) -> None:
    """Raise ImageError if `pixels` is more than `max_pixels`."""
    if pixels > max_pixels:
        raise ImageError(
            Reason.TOO_MANY_PIXELS, f"the file declares {pixels:,} pixels, more than the {max_pixels:,} allowed"
        )


def announced_pixels(file: BinaryIO, image_format: ImageFormat) -> int:
    """The number of pixels that a file's header declares; 0 for a RAW, and if there is no sound header."""
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
    """The declared number of pixels, for formats whose decoders allocate the picture as soon as they see the header;
    0 for all others."""
    if image_format is ImageFormat.WEBP:
        return _webp_pixels(file)
    return isobmff.largest_picture(file) if image_format in (ImageFormat.HEIF, ImageFormat.AVIF) else 0


def _webp_pixels(file: BinaryIO) -> int:
    """The number of pixels that a WebP file's header declares; 0 if the header is of an unknown kind."""
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
