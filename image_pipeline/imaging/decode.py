"""One decode of a file, for every size that is wanted of it."""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import BinaryIO

import numpy as np

from image_pipeline.imaging.colour import to_srgb
from image_pipeline.imaging.failure import image_error
from image_pipeline.imaging.jpeg import decode_jpeg
from image_pipeline.imaging.picture import announced_pixels, decode_picture
from image_pipeline.imaging.raster import Raster
from image_pipeline.imaging.raw import decode_raw, is_unmarked_raw
from image_pipeline.imaging.resize import fit, to_array
from image_pipeline.imaging.source_file import ImagePath, open_image
from image_pipeline.imaging.thumbnail import shrink, to_webp
from image_pipeline.schema.decode_path import DecodePath
from image_pipeline.schema.formats import ImageFormat, sniff
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.reason import ImageError, Reason

_REVISION = 5
"""Raised when this package comes to decode a file that it rejected, or to decode it otherwise."""

_REVISION_OF_SAME_SUCCESSES = 4
"""What it decoded, today's revision decodes in the same way; it kept outcomes together with the limits."""

_TOLD_BYTES = 16
_LEAST_BYTES_A_PIXEL = 8
"""What any decode takes at the least: what the codec made, and Pillow's copy of it."""


@dataclass(frozen=True)
class DecodedImage:
    """A decoded file: one uint8 array `[3, height, width]` in sRGB for each of the specs, in their order.

    `width` and `height` are those of the full picture as displayed; `thumbnail` is a WebP file, None when none was
    asked for.
    """

    arrays: tuple[np.ndarray, ...]
    width: int
    height: int
    decode_path: DecodePath
    thumbnail: bytes | None


def decode_image(
    path: ImagePath,
    specs: Sequence[InputSpec],
    limits: DecodeLimits | None = None,
    *,
    thumbnail: bool = True,
) -> DecodedImage:
    """Decode the file at `path` in this process, with no limit but that on pixels.

    Raises ImageError for whatever is wrong with the file, and nothing else.
    """
    max_pixels = (limits or DecodeLimits()).pixels
    try:
        with open_image(path) as file:
            image_format = identify(file)
            try:
                raster = _decode(file, image_format, specs, max_pixels)
                return _rendered(raster, specs, thumbnail)
            except Exception as error:
                failure = image_error(error, file, image_format)
                if failure.reason is Reason.CORRUPT and not _has_room(file, image_format):
                    failure = ImageError(Reason.OUT_OF_MEMORY, f"no room for its pixels ({failure.message})")
                raise failure from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ImageError(Reason.UNREADABLE, str(error)) from error


def identify(file: BinaryIO) -> ImageFormat:
    """The format of an open file, told by its content alone.

    LibRaw is asked of what does not say itself what it is, so only a worker process asks this of a file that may be
    hostile. Raises ImageError where the file is empty or of no format that is read; OSError where it cannot be read.
    """
    image_format = sniff(file)
    if image_format in (None, ImageFormat.TIFF) and is_unmarked_raw(file):
        return ImageFormat.RAW
    if image_format is not None:
        return image_format
    file.seek(0)
    head = file.read(_TOLD_BYTES)
    if not head:
        raise ImageError(Reason.EMPTY, "the file has no bytes")
    raise ImageError(Reason.UNKNOWN_FORMAT, f"the file begins with {head!r}, as no picture that is read does")


@cache
def decoder_version() -> str:
    """What decodes: a text that changes whenever a file may decode otherwise than before."""
    return _version_of(_REVISION)


def older_decoder_version() -> str:
    """The version before this one whose successes are those of this one, too."""
    return _version_of(_REVISION_OF_SAME_SUCCESSES)


def _version_of(revision: int) -> str:
    libraries = " ".join(f"{name}-{version(name)}" for name in ("pillow", "pillow-heif", "rawpy"))
    return f"decode-{revision} {libraries}"


def _has_room(file: BinaryIO, image_format: ImageFormat) -> bool:
    """Whether memory is left for as many pixels as the file announces: the decoders of WebP, HEIC, AVIF and of
    progressive JPEG call it damage when there is none."""
    needed = _LEAST_BYTES_A_PIXEL * announced_pixels(file, image_format)
    try:
        mmap.mmap(-1, max(1, needed)).close()
    except (OSError, OverflowError):
        return False
    return True


def _decode(file: BinaryIO, image_format: ImageFormat, specs: Sequence[InputSpec], max_pixels: int) -> Raster:
    if image_format is ImageFormat.RAW:
        return decode_raw(file, specs, max_pixels)
    if image_format is ImageFormat.JPEG:
        return decode_jpeg(file, specs, max_pixels)
    return decode_picture(file, image_format, max_pixels)


def _rendered(raster: Raster, specs: Sequence[InputSpec], thumbnail: bool) -> DecodedImage:
    arrays = tuple(to_array(to_srgb(fit(raster.image, spec), raster.profile)) for spec in specs)
    small = None
    if thumbnail:
        small = to_webp(to_srgb(shrink(raster.image, raster.width, raster.height), raster.profile))
    return DecodedImage(arrays, raster.width, raster.height, raster.decode_path, small)
