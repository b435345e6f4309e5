"""Photographs of each kind: a few different pictures, in any number of files with different bytes."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

from benchmarks.inputs.cache import cache_folder, made_once
from benchmarks.inputs.picture import make_picture, with_noise
from benchmarks.inputs.raw import Sensor, check_dng, write_dng
from image_pipeline.demo.exif import exif_of

_SERIAL = "SN-%010d"
_PLACEHOLDER = _SERIAL % 0
_12_MP, _24_MP, _SMALL, _SQUARE = (4032, 3024), (6000, 4000), (640, 480), (384, 384)
_PREVIEW_WIDTH = 1616
_BODY_SERIAL_NUMBER = 0xA431


class Kind(StrEnum):
    """A kind of photograph."""

    JPEG_12 = "jpeg-12mp"
    JPEG_24 = "jpeg-24mp"
    JPEG_SMALL = "jpeg-small"
    JPEG_SQUARE = "jpeg-384"
    """Upright, and of BLIP's input size, so that both sides pass the same pixels to the model."""
    HEIC_12 = "heic-12mp"
    DNG_FULL = "dng-24mp-full-preview"
    DNG_1616 = "dng-24mp-1616-preview"
    DNG_NONE = "dng-24mp-no-preview"


@dataclass(frozen=True)
class _Recipe:
    """The number of distinct pictures of a kind, its file ending, and the function that writes one (path, number)."""

    pictures: int
    ending: str
    write: Callable[[Path, int], None]


def photographs(kind: Kind, count: int) -> list[Path]:
    """`count` files of a kind with different contents; missing ones are created."""
    recipe = _RECIPES[kind]
    folder = cache_folder() / "photographs" / kind
    bases = [
        made_once(folder / f"base-{number}{recipe.ending}", partial(_write_base, recipe, number))
        for number in range(min(count, recipe.pictures))
    ]
    return [
        made_once(folder / f"{number:05d}{recipe.ending}", partial(_write_copy, bases[number % len(bases)], number))
        for number in range(count)
    ]


def pictures(kind: Kind, count: int) -> dict[Path, str]:
    """Up to `count` photographs of a kind with different pictures, each with the name of its picture.

    All kinds of 24 megapixels share the same pictures.
    """
    large = kind is Kind.JPEG_24 or kind.startswith("dng")
    files = photographs(kind, min(count, _RECIPES[kind].pictures))
    return {file: f"{'24mp' if large else kind}-{number}" for number, file in enumerate(files)}


def _write_base(recipe: _Recipe, number: int, path: Path) -> None:
    named = path.with_name(path.name + recipe.ending)  # Pillow and pillow-heif choose the format by the ending
    recipe.write(named, number)
    named.rename(path)


def _write_copy(base: Path, number: int, path: Path) -> None:
    """Write the file `base` to `path`, with a serial number from `number` in place of the placeholder."""
    content = base.read_bytes()
    at = content.index(_PLACEHOLDER.encode())
    serial = (_SERIAL % (number + 1)).encode()
    path.write_bytes(content[:at] + serial + content[at + len(serial) :])


def with_serial(photograph: Path, number: int, path: Path) -> None:
    """Write `photograph` (one of `photographs`) to `path` with the serial number `number`, as different content."""
    content = photograph.read_bytes()
    at = content.index(_PLACEHOLDER[:3].encode())
    serial = (_SERIAL % (number + 1)).encode()
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(content[:at] + serial + content[at + len(serial) :])
    os.replace(temporary, path)


def _picture(number: int, size: tuple[int, int]) -> Image.Image:
    return make_picture(1000 * size[0] + number, *size)


def _large_picture(number: int) -> Image.Image:
    """A picture of 24 megapixels; it is cached, because it takes long to make and four kinds use it."""

    def make(path: Path) -> None:
        _picture(number, _24_MP).save(path, "PNG", compress_level=1)

    with Image.open(made_once(cache_folder() / "pictures" / f"24mp-{number}.png", make)) as image:
        return image.convert("RGB")


def _with_exif(picture: Image.Image, number: int, upright: bool = False) -> tuple[Image.Image, Image.Exif]:
    stored, exif = exif_of(picture, np.random.default_rng(number))
    if upright:
        stored, exif[ExifTags.Base.Orientation] = picture, 1
    exif.get_ifd(ExifTags.IFD.Exif)[_BODY_SERIAL_NUMBER] = _PLACEHOLDER
    return stored, exif


def _write_jpeg(size: tuple[int, int], quality: int, noise: float, path: Path, number: int) -> None:
    picture = _large_picture(number) if size == _24_MP else _picture(number, size)
    stored, exif = _with_exif(with_noise(picture, number, noise), number, upright=size == _SQUARE)
    stored.save(path, "JPEG", quality=quality, exif=exif)


def _write_heic(path: Path, number: int) -> None:
    picture, exif = _with_exif(with_noise(_picture(number, _12_MP), number, 4.0), number, upright=True)
    file = pillow_heif.from_pillow(picture)
    file.save(path, quality=60, exif=exif.tobytes(), enc_params={"preset": "ultrafast"})


def _write_raw(preview_width: int | None, path: Path, number: int) -> None:
    picture = _large_picture(number)
    sensor = Sensor.exposed(picture, number)
    preview = None
    if preview_width is not None:
        small = picture.resize((preview_width, preview_width * picture.height // picture.width))
        preview = with_noise(small, number, 6.0)
    write_dng(path, sensor, _PLACEHOLDER, preview)
    check_dng(path, sensor)


_RECIPES = {
    Kind.JPEG_12: _Recipe(6, ".jpg", partial(_write_jpeg, _12_MP, 92, 9.0)),
    Kind.JPEG_24: _Recipe(3, ".jpg", partial(_write_jpeg, _24_MP, 92, 9.0)),
    Kind.JPEG_SMALL: _Recipe(40, ".jpg", partial(_write_jpeg, _SMALL, 85, 5.0)),
    Kind.JPEG_SQUARE: _Recipe(40, ".jpg", partial(_write_jpeg, _SQUARE, 90, 5.0)),
    Kind.HEIC_12: _Recipe(2, ".heic", _write_heic),
    Kind.DNG_FULL: _Recipe(3, ".dng", partial(_write_raw, _24_MP[0])),
    Kind.DNG_1616: _Recipe(3, ".dng", partial(_write_raw, _PREVIEW_WIDTH)),
    Kind.DNG_NONE: _Recipe(3, ".dng", partial(_write_raw, None)),
}


def warm(files: Iterable[Path]) -> None:
    """Read files once, so that they are in memory for all programs, even the first."""
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.read(1 << 20):
                pass
