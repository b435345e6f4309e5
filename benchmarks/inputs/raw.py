"""RAW files like those of a 24-megapixel camera: 14 bits, lossless JPEG in tiles, with or without a preview.

The format is DNG 1.4 (Adobe): a mosaic in compression 7 with photometric interpretation 32803. The tiles are encoded by
imagecodecs, and written by tifffile.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import rawpy
import tifffile
from PIL import Image

_BITS, _WHITE, _BLACK = 14, 16_383, 512
_TILE = (800, 2000)  # height and width: multiples of 16, as TIFF 6.0 requires, that divide 4000 × 6000
_FULL_WELL = 40_000
"""Electrons per pixel at white; shot noise is the square root of their number."""
_READ_NOISE = 6.0
"""Standard deviation in levels of the 14-bit values."""
_JPEG, _CFA = 7, 32803
_BYTE, _ASCII, _SHORT, _LONG, _SRATIONAL = 1, 2, 3, 4, 10
_D65 = 21
# From XYZ to linear sRGB: the filters of this camera have the primaries of sRGB.
_COLOUR_MATRIX = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)


@dataclass(frozen=True)
class Sensor:
    """The values that a sensor with an RGGB filter records: uint16 `[height, width]`, linear, 14 bits."""

    mosaic: np.ndarray

    @classmethod
    def exposed(cls, picture: Image.Image, seed: int) -> "Sensor":
        """The mosaic of an RGB picture with even width and height, with shot noise and read noise."""
        rng = np.random.default_rng(seed)
        levels = np.arange(256, dtype=np.float32) / 255
        linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)
        pixels = np.asarray(picture)
        light = np.empty(pixels.shape[:2], np.float32)
        for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
            light[row::2, column::2] = linear[pixels[row::2, column::2, channel]]
        noise = np.sqrt(light / _FULL_WELL) * (_WHITE - _BLACK)
        noise = np.hypot(noise, _READ_NOISE) * rng.standard_normal(light.shape, np.float32)
        recorded = _BLACK + light * (_WHITE - _BLACK) + noise
        return cls(np.clip(np.rint(recorded), 0, _WHITE).astype(np.uint16))


def write_dng(path: Path, sensor: Sensor, serial: str, preview: Image.Image | None) -> None:
    """Write a DNG; `serial` is the serial number of the camera, `preview` an embedded JPEG."""
    height, width = sensor.mosaic.shape
    with tifffile.TiffWriter(path, byteorder="<") as file:
        file.write(
            _tiles(sensor.mosaic),
            shape=(height, width),
            dtype=np.uint16,
            photometric=_CFA,
            compression=_JPEG,
            tile=_tile(height, width),
            subfiletype=0,
            subifds=1 if preview is not None else 0,
            metadata=None,
            software=False,
            extratags=_camera_tags(serial),
        )
        if preview is not None:
            buffer = io.BytesIO()
            preview.save(buffer, "JPEG", quality=90)
            file.write(
                iter([buffer.getvalue()]),
                shape=(preview.height, preview.width, 3),
                dtype=np.uint8,
                photometric="ycbcr",
                compression=_JPEG,
                rowsperstrip=preview.height,
                subfiletype=1,
                metadata=None,
                software=False,
            )


def check_dng(path: Path, sensor: Sensor) -> None:
    """Raise ValueError unless LibRaw reads the same mosaic from the file."""
    with rawpy.imread(str(path)) as raw:
        if not np.array_equal(raw.raw_image, sensor.mosaic):
            raise ValueError(f"LibRaw reads a mosaic from {path} that differs from the one written")


def _tile(height: int, width: int) -> tuple[int, int]:
    return (_TILE[0], _TILE[1]) if height % _TILE[0] == 0 and width % _TILE[1] == 0 else (16, 16)


def _tiles(mosaic: np.ndarray) -> Iterator[bytes]:
    height, width = _tile(*mosaic.shape)
    for top in range(0, mosaic.shape[0], height):
        for left in range(0, mosaic.shape[1], width):
            tile = np.ascontiguousarray(mosaic[top : top + height, left : left + width])
            # two rows as one, so that each value is predicted from one of the same colour; readers fill rows in order
            yield bytes(imagecodecs.ljpeg_encode(tile.reshape(height // 2, 2 * width), bitspersample=_BITS))


def _camera_tags(serial: str) -> list[tuple[int, int, int, object, bool]]:
    """The tags of the camera: (number, type, count, value, only in the first directory)."""
    pairs = [part for value in _COLOUR_MATRIX for part in (round(value * 10_000), 10_000)]
    return [
        (271, _ASCII, 0, "Demo", True),
        (272, _ASCII, 0, "Demo RAW 24", True),
        (274, _SHORT, 1, 1, True),
        (306, _ASCII, 0, "2024:05:06 07:08:09", True),
        (33421, _SHORT, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, _BYTE, 4, bytes((0, 1, 1, 2)), True),  # CFAPattern: RGGB
        (50706, _BYTE, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, _BYTE, 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        (50708, _ASCII, 0, "Demo RAW 24", True),  # UniqueCameraModel
        (50714, _SHORT, 1, _BLACK, True),
        (50717, _LONG, 1, _WHITE, True),
        (50721, _SRATIONAL, len(_COLOUR_MATRIX), tuple(pairs), True),  # ColorMatrix1
        (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),  # AsShotNeutral
        (50735, _ASCII, 0, serial, True),  # CameraSerialNumber
        (50778, _SHORT, 1, _D65, True),  # CalibrationIlluminant1
    ]
