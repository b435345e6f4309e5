"""Decoding of cameras' RAW files: the embedded preview if it is good enough, else the sensor data."""

import io
import os
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import rawpy
from PIL import Image

from image_pipeline.imaging.completeness import sensor_data_is_whole
from image_pipeline.imaging.dng_jpeg_xl import without_jpeg_xl
from image_pipeline.imaging.jpeg import decode_jpeg
from image_pipeline.imaging.picture import check_pixels, open_picture
from image_pipeline.imaging.raster import UPRIGHT, Raster, displayed_size, upright
from image_pipeline.imaging.resize import smallest_source, thumbnail_size
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason
from image_pipeline.schema.raw_structure import TIFF_MAGICS, read_structure
from image_pipeline.schema.thumbnail import STORE_SIDE

_ORIENTATIONS = {0: UPRIGHT, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""EXIF orientation by LibRaw's `flip`."""
_ASPECT_TOLERANCE = 0.05
_FLAT_DEVIATION = 4.0
_SAMPLE_SIDE = 64


def is_unmarked_raw(file: BinaryIO) -> bool:
    """Whether a file without a RAW signature is a RAW all the same, according to LibRaw.

    Some old cameras write no signature of any kind. LibRaw rejects plain TIFF files, except grey and four-channel ones
    of more than 8 bits. So a TIFF file counts as a RAW only if it names the device's maker, and if the picture that
    LibRaw finds is not one of the ordinary TIFF pictures in the file. Raises MemoryError if memory runs out.
    """
    file.seek(0)
    is_tiff = file.read(4) in TIFF_MAGICS
    structure = read_structure(file) if is_tiff else None
    if structure is not None and not structure.names_maker:
        return False
    try:
        with open_raw(file) as raw:
            seen = {(raw.sizes.raw_width, raw.sizes.raw_height), (raw.sizes.width, raw.sizes.height)}
    except MemoryError:
        raise
    except Exception:  # whatever the error: LibRaw rejects the file
        return False
    return structure is None or structure.pictures.isdisjoint((min(size), max(size)) for size in seen)


def open_raw(file: BinaryIO) -> rawpy.RawPy:
    """Open the RAW in `file`, reading only its headers.

    Raises rawpy.LibRawError, and ImageError if LibRaw does not recognise the RAW, as when its sensor data was removed.
    """
    file.seek(0)
    # LibRaw opens files by name, but the name may belong to a different file by now. The name of the descriptor always
    # refers to the open file; if the system has no such names, rawpy gets the bytes, although it then reads them all.
    name = f"/dev/fd/{file.fileno()}"
    try:
        return rawpy.imread(name if os.path.exists(name) else file)
    except rawpy.LibRawFileUnsupportedError as error:
        cut_off = sensor_data_is_whole(file, sensor_pixels=0) is False
        raise ImageError(Reason.TRUNCATED if cut_off else Reason.NO_IMAGE_IN_RAW, _text(error)) from error


def raw_size(raw: rawpy.RawPy) -> tuple[int, int]:
    """The width and height of a RAW as displayed, from its headers."""
    return displayed_size(raw.sizes.width, raw.sizes.height, _ORIENTATIONS.get(raw.sizes.flip, UPRIGHT))


def decode_raw(file: BinaryIO, specs: Sequence[InputSpec], max_pixels: int, side: int = STORE_SIDE) -> Raster:
    """Decode the picture of a RAW: its preview, else its sensor data at half size, else at full size.

    The preview is used only if it is large enough for `specs` (and for a thumbnail of `side` pixels, if that is larger
    than the store's), it looks like a picture of the sensor's shape, and the sensor data is complete. If the file's
    structure cannot prove that, the sensor data is unpacked. A RAW without its sensor data is a lost photograph,
    however good its preview: it is rejected, so that a person sees it.

    Raises ImageError, rawpy.LibRawError, and whatever a decoder raises.
    """
    copy = without_jpeg_xl(file, max_pixels)
    if copy is not None:
        with copy:
            return _decode(copy, specs, max_pixels, side)
    return _decode(file, specs, max_pixels, side)


def _decode(file: BinaryIO, specs: Sequence[InputSpec], max_pixels: int, side: int) -> Raster:
    with open_raw(file) as raw:
        check_pixels(raw.sizes.raw_width * raw.sizes.raw_height, max_pixels)
        whole = sensor_data_is_whole(file, raw.sizes.width * raw.sizes.height)
        if whole is False:
            raise ImageError(Reason.TRUNCATED, "part of the sensor data that the file declares is missing")
        width, height = raw_size(raw)
        least = smallest_source(width, height, specs, 1.0)
        if side > STORE_SIDE:
            wanted = thumbnail_size(width, height, side)
            least = max(least[0], wanted[0]), max(least[1], wanted[1])
        # The preview comes first: with it, the sensor data may not have to be unpacked.
        preview = _preview(raw, specs, least, max_pixels, side)
        if preview is not None and whole:
            return preview
        raw.unpack()
        if preview is not None:
            return preview
        return _demosaic(raw, least)


def _preview(
    raw: rawpy.RawPy, specs: Sequence[InputSpec], least: tuple[int, int], max_pixels: int, side: int
) -> Raster | None:
    """The embedded preview, upright, if it can replace the picture; None otherwise."""
    width, height = raw_size(raw)
    try:
        data = raw.extract_thumb().data
        size = _jpeg_size(data, max_pixels) if isinstance(data, bytes) else (data.shape[1], data.shape[0])
        orientation = _preview_orientation(raw, size)
        if orientation is None:
            return None
        shown = displayed_size(size[0], size[1], orientation)
        if shown[0] < least[0] or shown[1] < least[1]:
            return None
        if isinstance(data, bytes):
            decoded = decode_jpeg(io.BytesIO(data), specs, max_pixels, orientation, side)
            image, profile = decoded.image, decoded.profile
        else:
            image, profile = upright(Image.fromarray(data), orientation), None
    except MemoryError:
        raise
    except Exception:  # a missing, unsupported or damaged preview: the sensor data remains
        return None
    if _is_flat(image):
        return None
    return Raster(image, profile, width, height, DecodePath.RAW_PREVIEW)


def _jpeg_size(data: bytes, max_pixels: int) -> tuple[int, int]:
    return open_picture(io.BytesIO(data), ImageFormat.JPEG, max_pixels).size


def _is_flat(image: Image.Image) -> bool:
    sample = image.convert("L").resize((_SAMPLE_SIDE, _SAMPLE_SIDE), Image.Resampling.BOX)
    return bool(np.asarray(sample).std() < _FLAT_DEVIATION)


def _preview_orientation(raw: rawpy.RawPy, size: tuple[int, int]) -> int | None:
    """The orientation of a preview of `size`: the sensor's, or upright; None if its shape fits neither."""
    orientation = _ORIENTATIONS.get(raw.sizes.flip, UPRIGHT)
    sensor, preview = raw.sizes.width / raw.sizes.height, size[0] / size[1]
    if abs(preview / sensor - 1) <= _ASPECT_TOLERANCE:
        return orientation
    if orientation >= 5 and abs(preview * sensor - 1) <= _ASPECT_TOLERANCE:
        return UPRIGHT
    return None


def _demosaic(raw: rawpy.RawPy, least: tuple[int, int]) -> Raster:
    width, height = raw_size(raw)
    half = width // 2 >= least[0] and height // 2 >= least[1]
    pixels = raw.postprocess(half_size=half, use_camera_wb=True)
    if pixels.min() == pixels.max():
        # A picture of a lens cap has noise; only missing data is perfectly uniform.
        raise ImageError(Reason.CORRUPT, "the sensor data is one flat colour")
    image = Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)
    return Raster(image, None, width, height, DecodePath.RAW_HALF if half else DecodePath.RAW_FULL)


def _text(error: rawpy.LibRawError) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
