"""Decoding of a file: once, for all the sizes that are needed."""

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
from image_pipeline.imaging.resize import fit, shrink, to_array, to_webp
from image_pipeline.imaging.salvage import salvaged
from image_pipeline.imaging.source_file import ImagePath, open_image
from image_pipeline.schema.formats import ImageFormat, sniff, unsupported_format
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason
from image_pipeline.schema.thumbnail import STORE_SIDE

_REVISION = 6
"""Bump when this package decodes a file that it used to reject, or decodes a file differently."""

_REVISIONS_OF_SAME_SUCCESSES = (4, 5)
"""The older revisions whose successful decodes are still valid; revision 4 stored outcomes together with the limits."""

_LIBRARIES = ("pillow", "pillow-heif", "rawpy", "imagecodecs", "tifffile")
_OLDER_LIBRARIES = _LIBRARIES[:3]

_TOLD_BYTES, _SIGNATURE_BYTES = 16, 256
_LEAST_BYTES_A_PIXEL = 8
"""The least memory per pixel that any decode takes: the codec's output, and Pillow's copy of it."""


@dataclass(frozen=True)
class DecodedImage:
    """A decoded file: one uint8 array `[3, height, width]` in sRGB for each of the specs, in their order.

    `width` and `height` are those of the full picture as displayed; `thumbnail` is a WebP file, or None if none was
    requested. `damaged` says how much of a damaged picture is missing; None if nothing is.
    """

    arrays: tuple[np.ndarray, ...]
    width: int
    height: int
    decode_path: DecodePath
    thumbnail: bytes | None
    damaged: str | None = None


def decode_image(
    path: ImagePath,
    specs: Sequence[InputSpec],
    limits: DecodeLimits | None = None,
    *,
    thumbnail: bool = True,
    side: int = STORE_SIDE,
) -> DecodedImage:
    """Decode the file at `path` in this process; of `limits`, only `pixels` applies.

    `side` is the most that the longer side of the thumbnail may have, in pixels.

    Raises ImageError for anything that is wrong with the file, and nothing else.
    """
    max_pixels = (limits or DecodeLimits()).pixels
    try:
        with open_image(path) as file:
            image_format = identify(file)
            try:
                raster = _decode(file, image_format, specs, max_pixels, side)
                return _rendered(raster, specs, thumbnail, side)
            except Exception as error:
                failure = image_error(error, file, image_format)
                damaged = _salvaged(file, image_format, failure, max_pixels)
                if damaged is not None:
                    return _rendered(damaged, specs, thumbnail, side)
                if failure.reason is Reason.CORRUPT and not _has_room(file, image_format):
                    failure = ImageError(Reason.OUT_OF_MEMORY, f"not enough memory for its pixels ({failure.message})")
                raise failure from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ImageError(Reason.UNREADABLE, str(error)) from error


def identify(file: BinaryIO) -> ImageFormat:
    """The format of an open file, identified by its content alone.

    LibRaw examines TIFF files and files without a known signature, so only a worker process may call this for a file
    that may be hostile. Raises ImageError if the file is empty, has no known format, or one that is not supported;
    OSError if it cannot be read.
    """
    image_format = sniff(file)
    file.seek(0)
    head = file.read(_SIGNATURE_BYTES)
    named = unsupported_format(head) if image_format is None else None
    if named is not None:
        raise ImageError(Reason.UNSUPPORTED, f"the format {named} is not supported")
    if image_format in (None, ImageFormat.TIFF) and is_unmarked_raw(file):
        return ImageFormat.RAW
    if image_format is not None:
        return image_format
    if not head:
        raise ImageError(Reason.EMPTY, "the file is empty")
    raise ImageError(
        Reason.UNKNOWN_FORMAT, f"the file begins with {head[:_TOLD_BYTES]!r}, which matches no supported format"
    )


@cache
def decoder_version() -> str:
    """The version of the decoder: a text that changes whenever a file may be decoded differently than before."""
    return _version_of(_REVISION, _LIBRARIES)


def older_decoder_versions() -> list[str]:
    """The older versions of the decoder whose successful decodes are still valid."""
    return [_version_of(revision, _OLDER_LIBRARIES) for revision in _REVISIONS_OF_SAME_SUCCESSES]


def _version_of(revision: int, names: Sequence[str]) -> str:
    libraries = " ".join(f"{name}-{version(name)}" for name in names)
    return f"decode-{revision} {libraries}"


def _has_room(file: BinaryIO, image_format: ImageFormat) -> bool:
    """Whether there is enough memory for the pixels that the file declares: if not, the decoders of WebP, HEIC, AVIF
    and progressive JPEG report a damaged file."""
    needed = _LEAST_BYTES_A_PIXEL * announced_pixels(file, image_format)
    try:
        mmap.mmap(-1, max(1, needed)).close()
    except (OSError, OverflowError):
        return False
    return True


def _decode(
    file: BinaryIO, image_format: ImageFormat, specs: Sequence[InputSpec], max_pixels: int, side: int
) -> Raster:
    if image_format is ImageFormat.RAW:
        return decode_raw(file, specs, max_pixels, side)
    if image_format is ImageFormat.JPEG:
        return decode_jpeg(file, specs, max_pixels, side=side)
    return decode_picture(file, image_format, max_pixels)


def _salvaged(file: BinaryIO, image_format: ImageFormat, failure: ImageError, max_pixels: int) -> Raster | None:
    if failure.reason not in (Reason.TRUNCATED, Reason.CORRUPT):
        return None
    return salvaged(file, image_format, max_pixels)


def _rendered(raster: Raster, specs: Sequence[InputSpec], thumbnail: bool, side: int) -> DecodedImage:
    arrays = tuple(to_array(to_srgb(fit(raster.image, spec), raster.profile)) for spec in specs)
    small = None
    if thumbnail:
        small = to_webp(to_srgb(shrink(raster.image, raster.width, raster.height, side), raster.profile))
    return DecodedImage(arrays, raster.width, raster.height, raster.decode_path, small, raster.damaged)
