"""Opening of TIFF files: which of their pictures is the photograph, and which library reads it."""

import io
from typing import BinaryIO

from PIL import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from image_pipeline.imaging.tiff import Directory, TiffReader, numbers, pixels
from image_pipeline.imaging.tiff_page import TiffPage

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _COMPRESSION = 254, 255, 259
_REDUCED, _MASK = 1, 4
_OLD_REDUCED = 2
_NOT_BY_PILLOW = frozenset((33003, 33004, 33005, 34712, 34887, 34892, 34925, 34933, 34934, 50000, 50001, 50002, 52546))
"""Compressions that Pillow's wheels do not decode: JPEG 2000, LERC, lossy JPEG, LZMA, PNG, JPEG XR, Zstandard, WebP,
JPEG XL."""
_UNKNOWN_MODE = "unknown pixel mode"


def open_tiff(file: BinaryIO) -> ImageFile.ImageFile:
    """Open the photograph in a TIFF file, reading only its header; whatever Pillow or tifffile raises.

    The photograph is in the first directory, unless that holds a smaller version of another directory's picture.
    """
    source, compression = _with_photograph_first(file)
    source.seek(0)
    if compression not in _NOT_BY_PILLOW:
        try:
            return TiffImageFile(source)
        except SyntaxError as error:
            if str(error) != _UNKNOWN_MODE:
                raise
        source.seek(0)
    return TiffPage(source)


def first_page(file: BinaryIO) -> TiffPage:
    """The photograph in a TIFF file, read by tifffile alone. Raises ImageError, and whatever tifffile raises."""
    source, _ = _with_photograph_first(file)
    source.seek(0)
    return TiffPage(source)


def _with_photograph_first(file: BinaryIO) -> tuple[BinaryIO, int]:
    """`file`, and the compression of its photograph; if that is not in the first directory, a copy that begins with it.

    Of several directories with full pictures, the copy begins with the one that has the most pixels.
    """
    reader = TiffReader.open(file)
    if reader is None:
        return file, 0
    first = reader.first()
    if not _is_reduced(first):
        return file, _compression(first)
    full = [(offset, found) for offset, found in reader.walk() if _is_full(found) and pixels(found) > pixels(first)]
    if not full:
        return file, _compression(first)
    at, best = max(full, key=lambda candidate: pixels(candidate[1]))
    file.seek(0)
    content = bytearray(file.read())
    order, place, size = ("little" if reader.byte_order == b"II" else "big"), *((8, 8) if reader.big else (4, 4))
    content[place : place + size] = at.to_bytes(size, order)  # type: ignore[arg-type]
    return io.BytesIO(content), _compression(best)


def _is_reduced(directory: Directory) -> bool:
    return bool(_first(directory, _NEW_SUBFILE_TYPE) & _REDUCED) or _first(directory, _SUBFILE_TYPE) == _OLD_REDUCED


def _is_full(directory: Directory) -> bool:
    return not _is_reduced(directory) and not _first(directory, _NEW_SUBFILE_TYPE) & _MASK


def _compression(directory: Directory) -> int:
    return _first(directory, _COMPRESSION)


def _first(directory: Directory, tag: int) -> int:
    return next(iter(numbers(directory, tag)), 0)
