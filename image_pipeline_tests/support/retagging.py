"""Changes of the metadata in a file that leave its pixels as they are, one for each format."""

import io
from collections.abc import Callable

from PIL import Image

from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.scenes import encoded
from image_pipeline_tests.support.specimens import png_chunk


def _jpeg(picture: Image.Image, keyword: str) -> bytes:
    whole, comment = encoded(picture, "JPEG", quality=90), keyword.encode()
    return whole[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + whole[2:]


def _png(picture: Image.Image, keyword: str) -> bytes:
    whole = encoded(picture, "PNG")
    end = whole.index(b"IDAT") - 4
    return whole[:end] + png_chunk(b"tEXt", b"Keywords\0" + keyword.encode()) + whole[end:]


def _tiff(picture: Image.Image, keyword: str) -> bytes:
    return encoded(picture, "TIFF", compression="tiff_lzw", tiffinfo={270: keyword})


def _heic(picture: Image.Image, keyword: str) -> bytes:
    block = Image.Exif()
    block[270] = keyword
    return encoded(picture, "HEIF", exif=block.tobytes())


def _dng(picture: Image.Image, keyword: str) -> bytes:
    """The keyword stands where the date was, which is the only text of these files that no decoder reads."""
    preview = io.BytesIO()
    picture.save(preview, "JPEG", quality=90)
    return dng(picture, preview.getvalue()).replace(b"2024:05:06 07:08:09", keyword.encode()[:19].ljust(19))


FORMATS: dict[str, Callable[[Image.Image, str], bytes]] = {
    "jpg": _jpeg,
    "png": _png,
    "tif": _tiff,
    "heic": _heic,
    "dng": _dng,
}
"""For each ending, a function that writes a picture with a keyword."""
