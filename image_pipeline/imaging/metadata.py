"""Metadata of a photograph, read from the headers of its file."""

from importlib.metadata import version
from typing import BinaryIO

from image_pipeline.imaging.attempt import attempt
from image_pipeline.imaging.decode import identify
from image_pipeline.imaging.embedded import Embedded, embedded_in_picture, embedded_in_raw
from image_pipeline.imaging.facts import facts_of
from image_pipeline.imaging.picture import open_picture, stored_orientation
from image_pipeline.imaging.raster import ORIENTATION_TAG, displayed_size, valid_orientation
from image_pipeline.imaging.raw import open_raw, raw_size
from image_pipeline.imaging.source_file import AnyPath, open_image
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import ImageError, Reason

_REVISION = 5
"""Bump when this package reads different metadata from the same file."""


def metadata_version() -> str:
    """The version of the metadata reader: a text that changes whenever a file may yield different metadata."""
    libraries = " ".join(f"{name}-{version(name)}" for name in ("pillow", "pillow-heif", "rawpy"))
    return f"metadata-{_REVISION} {libraries}"


def read_metadata(path: AnyPath, limits: DecodeLimits | None = None) -> ImageMetadata:
    """The metadata of the file at `path`, from its headers alone. Never raises: what cannot be read is left out."""
    try:
        with open_image(path) as file:
            return metadata_of(file, limits)
    except (OSError, ValueError, ImageError, MemoryError):  # ValueError: a NUL in the path
        return ImageMetadata()


def metadata_of(file: BinaryIO, limits: DecodeLimits | None = None) -> ImageMetadata:
    """The metadata of an open file; empty if the file is damaged.

    Raises OSError if the file cannot be read at all, MemoryError if memory runs out, and ImageError if the file has
    more pixels than allowed, since decoders allocate memory for them as soon as they see the header.
    """
    file.read(1)
    max_pixels = (limits or DecodeLimits()).pixels
    try:
        image_format = identify(file)
        if image_format is ImageFormat.RAW:
            return _of_raw(file)
        return _of_picture(file, image_format, max_pixels)
    except MemoryError:
        raise
    except Exception as error:  # the file may hold anything; without metadata, a photograph is still a photograph
        if isinstance(error, ImageError) and error.reason is Reason.TOO_MANY_PIXELS:
            raise
        return ImageMetadata()


def _of_picture(file: BinaryIO, image_format: ImageFormat, max_pixels: int) -> ImageMetadata:
    image = open_picture(file, image_format, max_pixels)
    embedded = attempt(Embedded(), embedded_in_picture, file, image_format, image)
    if image_format in (ImageFormat.PNG, ImageFormat.TIFF):
        orientation = valid_orientation(embedded.base.get(ORIENTATION_TAG))
    else:
        orientation = stored_orientation(image)
    # For a TIFF, Pillow already gives the size as displayed.
    size = image.size if image_format is ImageFormat.TIFF else displayed_size(*image.size, orientation)
    return facts_of(embedded, size, orientation)


def _of_raw(file: BinaryIO) -> ImageMetadata:
    embedded = attempt(Embedded(), embedded_in_raw, file)
    size = attempt(None, _size_of_raw, file)
    return facts_of(embedded, size, valid_orientation(embedded.base.get(ORIENTATION_TAG)))


def _size_of_raw(file: BinaryIO) -> tuple[int, int]:
    with open_raw(file) as raw:
        return raw_size(raw)
