"""DNG writer: RAW files like a camera's, with a Bayer mosaic and optionally a JPEG preview.

The tags are those of the Digital Negative Specification 1.4 (Adobe), in a TIFF 6.0 file. All maintained libraries that
write a DNG with a JPEG in it depend on large compiled codecs.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

_WHITE, _BLACK = 4095, 64
_CFA, _YCBCR = 32803, 6
_UNCOMPRESSED, _JPEG = 1, 7
_FULL_IMAGE, _PREVIEW = 0, 1
_D65 = 21

# From XYZ to linear sRGB: the filters of this camera have the primaries of sRGB.
_COLOUR_MATRIX = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)

_HEADER_BYTES = 8


@dataclass(frozen=True)
class _Tag:
    """A tag of a TIFF directory: its number, its field type (TIFF 6.0, section 2) and its values, packed."""

    number: int
    field_type: int
    count: int
    data: bytes


def _bytes(number: int, *values: int) -> _Tag:
    return _Tag(number, 1, len(values), bytes(values))


def _text(number: int, value: str) -> _Tag:
    return _Tag(number, 2, len(value) + 1, value.encode() + b"\0")


def _short(number: int, *values: int) -> _Tag:
    return _Tag(number, 3, len(values), struct.pack(f"<{len(values)}H", *values))


def _long(number: int, *values: int) -> _Tag:
    return _Tag(number, 4, len(values), struct.pack(f"<{len(values)}I", *values))


def _rational(number: int, values: Sequence[float]) -> _Tag:
    pairs = [part for value in values for part in (round(value * 10_000), 10_000)]
    return _Tag(number, 10, len(values), struct.pack(f"<{len(pairs)}i", *pairs))


def write_dng(path: Path, picture: Image.Image, *, preview: bool) -> None:
    """Write an RGB picture (of even width and height) as a DNG; `preview` adds a full-size JPEG to the mosaic."""
    mosaic = _mosaic(np.asarray(picture)).tobytes()
    jpeg = _jpeg(picture) if preview else b""
    mosaic_at = _HEADER_BYTES
    preview_at = mosaic_at + len(mosaic)
    preview_directory_at = _even(preview_at + len(jpeg))
    preview_directory = b""
    if preview:
        tags = [
            *_image_tags(_PREVIEW, picture, _JPEG, _YCBCR, preview_at, len(jpeg)),
            _short(258, 8, 8, 8),
            _short(277, 3),
        ]
        preview_directory = _directory(tags, preview_directory_at)
    main_at = preview_directory_at + len(preview_directory)
    tags = [*_image_tags(_FULL_IMAGE, picture, _UNCOMPRESSED, _CFA, mosaic_at, len(mosaic)), *_camera_tags()]
    if preview:
        tags.append(_long(330, preview_directory_at))  # SubIFDs
    with path.open("wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, main_at))
        file.write(mosaic)
        file.write(jpeg.ljust(preview_directory_at - preview_at, b"\0"))
        file.write(preview_directory)
        file.write(_directory(tags, main_at))


def _mosaic(rgb: np.ndarray) -> np.ndarray:
    """The values that a sensor with an RGGB filter records for uint8 `[h, w, 3]`: uint16 `[h, w]`, linear, 12 bits."""
    encoded = rgb.astype(np.float32) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    recorded = np.empty(rgb.shape[:2], np.float32)
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        recorded[row::2, column::2] = linear[row::2, column::2, channel]
    return np.rint(_BLACK + recorded * (_WHITE - _BLACK)).astype("<u2")


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _image_tags(kind: int, picture: Image.Image, compression: int, photometric: int, at: int, size: int) -> list[_Tag]:
    return [
        _long(254, kind),  # NewSubfileType
        _long(256, picture.width),
        _long(257, picture.height),
        _short(259, compression),
        _short(262, photometric),
        _long(273, at),  # StripOffsets
        _long(278, picture.height),  # RowsPerStrip
        _long(279, size),  # StripByteCounts
    ]


def _camera_tags() -> list[_Tag]:
    return [
        _short(258, 16),  # BitsPerSample
        _text(271, "Demo"),
        _text(272, "Demo RAW 1"),
        _short(274, 1),
        _short(277, 1),  # SamplesPerPixel
        _short(33421, 2, 2),  # CFARepeatPatternDim
        _bytes(33422, 0, 1, 1, 2),  # CFAPattern: RGGB
        _bytes(50706, 1, 4, 0, 0),  # DNGVersion
        _bytes(50707, 1, 1, 0, 0),  # DNGBackwardVersion
        _text(50708, "Demo RAW 1"),  # UniqueCameraModel
        _short(50714, _BLACK),
        _short(50717, _WHITE),
        _rational(50721, _COLOUR_MATRIX),
        _rational(50728, (1, 1, 1)),  # AsShotNeutral
        _short(50778, _D65),  # CalibrationIlluminant1
    ]


def _directory(tags: Sequence[_Tag], at: int) -> bytes:
    """A TIFF directory that begins at byte `at` of its file, followed by the values that do not fit into it."""
    entries, values = bytearray(), bytearray()
    values_at = at + 2 + 12 * len(tags) + 4
    for tag in sorted(tags, key=lambda tag: tag.number):
        entries += struct.pack("<HHI", tag.number, tag.field_type, tag.count)
        if len(tag.data) <= 4:
            entries += tag.data.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", values_at + len(values))
            values += tag.data.ljust(_even(len(tag.data)), b"\0")
    return struct.pack("<H", len(tags)) + bytes(entries) + struct.pack("<I", 0) + bytes(values)


def _even(offset: int) -> int:
    return offset + offset % 2
