"""Damaged pictures of which most can be decoded: what there is, the rest painted grey, and how much is missing.

Only formats in which that is certain are salvaged: baseline JPEG and PNG in rows from the top, TIFF in strips or tiles,
HEIC in tiles. In all others, the decoder's result does not say which pixels are real.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from image_pipeline.imaging import isobmff
from image_pipeline.imaging.colour import plain
from image_pipeline.imaging.jpeg_ending import picture_data
from image_pipeline.imaging.picture import open_picture, profile_of, stored_orientation
from image_pipeline.imaging.png import sound_rows
from image_pipeline.imaging.raster import Raster, displayed_size, upright
from image_pipeline.imaging.tiff_file import first_page
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.outcome import DecodePath

_LEAST_SHARE = 0.5
_GREY = 128
_FILLS: dict[str, int | tuple[int, ...]] = {"L": _GREY, "RGB": (_GREY,) * 3, "CMYK": (0, 0, 0, 255 - _GREY)}


@dataclass(frozen=True)
class _Part:
    """A picture as stored, of which `sound` of `total` parts, called `unit`, were decoded."""

    image: Image.Image
    sound: int
    total: int
    unit: str
    orientation: int | None = None
    """How `image` is stored, if its header does not say so."""


def salvaged(file: BinaryIO, image_format: ImageFormat, max_pixels: int) -> Raster | None:
    """The picture in a damaged file, if at least half of its rows or tiles can be decoded; None otherwise."""
    salvage = _SALVAGES.get(image_format)
    if salvage is None:
        return None
    try:
        header = open_picture(file, image_format, max_pixels)
        part = salvage(file, header)
        if part is None or part.sound < _LEAST_SHARE * part.total:
            return None
        if part.sound == part.total and image_format is not ImageFormat.PNG:
            return None  # what is wrong is not that a part is missing
        orientation = part.orientation or stored_orientation(header)
        width, height = displayed_size(*part.image.size, orientation)
        profile = profile_of(file, image_format, header)
        lost = part.total - part.sound  # a PNG may lack nothing but what follows its pixels
        missing = f"{lost} of {part.total} {part.unit} are missing" if lost else None
        image = upright(part.image, orientation)
        return Raster(image, profile, width, height, DecodePath.FULL, missing)
    except Exception:  # whatever the decoders raise: the file stays as damaged as it is
        return None


def _of_jpeg(file: BinaryIO, header: ImageFile.ImageFile) -> _Part | None:
    """libjpeg delivers a row of blocks only once all of its data is there."""
    if "progressive" in header.info or header.mode not in _FILLS or not header.tile:
        return None
    file.seek(0)
    data = picture_data(file.read())
    tile = header.tile[0]
    header.load_prepare()
    decoder = Image._getdecoder(header.mode, tile.codec_name, tile.args, header.decoderconfig)
    try:
        decoder.setimage(header.im, tile.extents)
        decoder.decode(data[tile.offset :])
    finally:
        decoder.cleanup()
    header.tile = []  # it is loaded, as far as Pillow is concerned
    picture = Image.frombytes(header.mode, header.size, header.tobytes())
    return _in_rows(picture, _written_rows(picture))


def _of_png(file: BinaryIO, header: ImageFile.ImageFile) -> _Part | None:
    rows = sound_rows(file)
    if rows is None:
        return None
    try:
        header.load()
    except OSError:
        header.tile = []  # Pillow keeps the rows that it has decoded
    return _in_rows(plain(header), min(rows, header.height))


def _of_tiff(file: BinaryIO, header: ImageFile.ImageFile) -> _Part | None:
    page = first_page(file)
    picture, sound, total = page.salvage()
    return _Part(plain(picture), sound, total, "tiles" if page.is_tiled else "strips", page.orientation)


def _of_heic(file: BinaryIO, header: ImageFile.ImageFile) -> _Part | None:
    sound, total = isobmff.sound_tiles(file)
    if total < 2:
        return None
    header.load()
    pixels = np.array(header.convert("RGB"))
    # libheif shows a missing tile in the colour that zeros mean in YCbCr: a green without red and blue.
    green = pixels[..., 1][(pixels[..., 0] == 0) & (pixels[..., 2] == 0)]
    if green.size:
        level = int(np.bincount(green).argmax())
        pixels[(pixels == (0, level, 0)).all(axis=-1)] = _GREY
    return _Part(Image.fromarray(pixels), sound, total, "tiles")


def _in_rows(picture: Image.Image, sound: int) -> _Part:
    """`picture`, grey below its first `sound` rows."""
    painted = picture.copy()
    if sound < picture.height:
        painted.paste(_FILLS[picture.mode], (0, sound, picture.width, picture.height))
    return _Part(painted, sound, picture.height, "rows")


def _written_rows(picture: Image.Image) -> int:
    """The number of rows above the zeros at the end of `picture`, which Pillow had created with zeros alone."""
    rows = np.asarray(picture).reshape(picture.height, -1).any(axis=1)
    return int(np.flatnonzero(rows)[-1]) + 1 if rows.any() else 0


_SALVAGES: dict[ImageFormat, Callable[[BinaryIO, ImageFile.ImageFile], _Part | None]] = {
    ImageFormat.JPEG: _of_jpeg,
    ImageFormat.PNG: _of_png,
    ImageFormat.TIFF: _of_tiff,
    ImageFormat.HEIF: _of_heic,
}
