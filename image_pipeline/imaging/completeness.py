"""Completeness of a file: whether it holds all the bytes that its structure declares.

The check explains failed decodes, and proves that a RAW's sensor data is complete before its preview is used instead.
Nothing is decoded: only lengths are compared with the file's size.
"""

import struct
from typing import BinaryIO

from image_pipeline.imaging import isobmff
from image_pipeline.imaging.jpeg_2000 import is_jpeg_2000_truncated
from image_pipeline.imaging.png import is_png_truncated
from image_pipeline.imaging.tiff import Directory, TiffReader, data_end, data_span, file_size, numbers, pixels
from image_pipeline.imaging.zeros import ends_in_zeros
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.raw_structure import is_table_cut_off

_PANASONIC_RAW_OFFSET = 0x118
_DNG_VERSION = 50706
_DNG_TAGS = range(_DNG_VERSION, 52600)
_MOSAIC_PHOTOMETRICS = (32803, 34892)
_WIDTH, _LENGTH, _PHOTOMETRIC, _STRIP_OFFSETS, _ROWS_PER_STRIP = 256, 257, 262, 273, 278
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS = 322, 323, 324
_FUJI_TABLE = (84, ">LLLLLL")  # offset and length of the JPEG, of the directory and of the sensor data


def is_truncated(file: BinaryIO, image_format: ImageFormat) -> bool:
    """Whether `file` certainly ends too early; also False if its format cannot show this."""
    match image_format:
        case ImageFormat.PNG:
            return is_png_truncated(file)
        case ImageFormat.WEBP:
            return _announced(file, 4, "<L") + 8 > file_size(file)
        case ImageFormat.BMP:
            return _announced(file, 2, "<L") > file_size(file)
        case ImageFormat.HEIF | ImageFormat.AVIF:
            return isobmff.is_truncated(file)
        case ImageFormat.JPEG_2000:
            return is_jpeg_2000_truncated(file)
        case ImageFormat.TIFF:
            return _is_tiff_truncated(file)
        case ImageFormat.RAW:
            return sensor_data_is_whole(file, sensor_pixels=0) is False
        case _:
            return False


def sensor_data_is_whole(file: BinaryIO, sensor_pixels: int) -> bool | None:
    """Whether the sensor data of a RAW is complete; None if the container does not say.

    A directory counts as the sensor's if its picture has at least half of `sensor_pixels`; a smaller picture, such as a
    complete thumbnail, proves nothing.
    """
    size = file_size(file)
    file.seek(0)
    head = file.read(16)
    if head[4:8] == b"ftyp":
        return not isobmff.is_truncated(file)
    if head.startswith(b"FUJIFILM"):
        return _is_fuji_whole(file, size)
    reader = TiffReader.open(file)
    if reader is None or head[6:10] == b"HEAP":  # Canon's CRW begins like a TIFF but is not one
        return None
    if reader.first_offset >= size:
        return False
    if head.startswith(b"IIU\0"):
        return _is_panasonic_whole(reader.first(), size, sensor_pixels)
    proven = None
    is_dng = _DNG_VERSION in reader.first()
    for offset, directory in reader.walk():
        if reader.values_end(offset, _DNG_TAGS) > size:
            return False  # black level and colours are stored there
        if is_dng and not _has_all_parts(directory):
            return False
        span = data_span(directory)
        if span is None:
            continue
        if span[1] > size or ends_in_zeros(file, *span):
            return False
        if 2 * pixels(directory) >= sensor_pixels or not pixels(directory):
            proven = True
    return proven


def _has_all_parts(directory: Directory) -> bool:
    """Whether a DNG has as many strips or tiles as its sensor data needs; True if the file does not say.

    LibRaw allocates memory for all of them. The part of a missing tile stays uninitialised, so the picture differs each
    time.
    """
    if directory.get(_PHOTOMETRIC) not in _MOSAIC_PHOTOMETRICS:
        return True
    width, length = numbers(directory, _WIDTH)[:1], numbers(directory, _LENGTH)[:1]
    across, down = numbers(directory, _TILE_WIDTH)[:1], numbers(directory, _TILE_LENGTH)[:1]
    offsets = numbers(directory, _TILE_OFFSETS)
    if not (across and down):
        across, down = width, numbers(directory, _ROWS_PER_STRIP)[:1]
        offsets = numbers(directory, _STRIP_OFFSETS)
    if not (width and length and all(across) and all(down) and across and down):
        return True
    return len(offsets) >= -(-width[0] // across[0]) * -(-length[0] // down[0])


def _is_panasonic_whole(directory: Directory, size: int, sensor_pixels: int) -> bool | None:
    """False if there is less than half a byte per pixel, else None (unknown): the length that these files declare is
    that of the data before compression."""
    starts = numbers(directory, _PANASONIC_RAW_OFFSET)
    return False if starts and starts[0] + sensor_pixels // 2 > size else None


def _is_fuji_whole(file: BinaryIO, size: int) -> bool:
    at, layout = _FUJI_TABLE
    file.seek(at)
    table = file.read(struct.calcsize(layout))
    if len(table) < struct.calcsize(layout):
        return False
    numbers = struct.unpack(layout, table)
    return all(start + length <= size for start, length in zip(numbers[::2], numbers[1::2], strict=True))


def _is_tiff_truncated(file: BinaryIO) -> bool:
    size = file_size(file)
    reader = TiffReader.open(file)
    if reader is None:
        return False
    if reader.first_offset >= size or is_table_cut_off(file, size):
        return True
    end = data_end(reader.first())
    return end is not None and end > size


def _announced(file: BinaryIO, at: int, layout: str) -> int:
    file.seek(at)
    data = file.read(struct.calcsize(layout))
    return int(struct.unpack(layout, data)[0]) if len(data) == struct.calcsize(layout) else 1 << 32
