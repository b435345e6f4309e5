"""A writer of minimal DNG files, so that RAW decoding is tried on real ones (Adobe's DNG specification 1.4)."""

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

_SHORT, _LONG, _ASCII, _BYTE, _SRATIONAL, _RATIONAL = 3, 4, 2, 1, 10, 5


@dataclass(frozen=True)
class _Entry:
    tag: int
    kind: int
    count: int
    data: bytes


def _short(tag: int, *values: int) -> _Entry:
    return _Entry(tag, _SHORT, len(values), struct.pack(f"<{len(values)}H", *values))


def _long(tag: int, *values: int) -> _Entry:
    return _Entry(tag, _LONG, len(values), struct.pack(f"<{len(values)}L", *values))


def _text(tag: int, value: str) -> _Entry:
    return _Entry(tag, _ASCII, len(value) + 1, value.encode() + b"\0")


def _bytes(tag: int, *values: int) -> _Entry:
    return _Entry(tag, _BYTE, len(values), bytes(values))


def _fractions(tag: int, kind: int, *values: float) -> _Entry:
    letters = "l" if kind == _SRATIONAL else "L"
    numbers = [number for value in values for number in (round(value * 10_000), 10_000)]
    return _Entry(tag, kind, len(values), struct.pack(f"<{len(numbers)}{letters}", *numbers))


def _directory(entries: list[_Entry], at: int) -> bytes:
    """The bytes of a directory that begins at `at`, its longer values behind it."""
    entries = sorted(entries, key=lambda entry: entry.tag)
    table, values = struct.pack("<H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for entry in entries:
        table += struct.pack("<HHL", entry.tag, entry.kind, entry.count)
        if len(entry.data) <= 4:
            table += entry.data.ljust(4, b"\0")
        else:
            table += struct.pack("<L", behind + len(values))
            values += entry.data + b"\0" * (len(entry.data) % 2)
    return table + bytes(4) + values


def dng(
    picture: Image.Image, preview: bytes | None = None, orientation: int = 1, sensor: np.ndarray | None = None
) -> bytes:
    """A DNG whose sensor saw `picture` (or gave the values `sensor`), with a JPEG as its preview."""
    width, height = picture.size
    mosaic = _mosaic(picture) if sensor is None else sensor.astype("<u2")
    pixels = mosaic.tobytes()
    sensor_at = 8
    preview_at = sensor_at + len(pixels)
    directories_at = (preview_at + len(preview or b"") + 1) // 2 * 2
    sensor_entries = [
        _long(254, 0),
        _long(256, width),
        _long(257, height),
        _short(258, 16),
        _short(259, 1),
        _short(262, 32803),
        _long(273, sensor_at),
        _short(277, 1),
        _long(278, height),
        _long(279, len(pixels)),
        _short(33421, 2, 2),
        _bytes(33422, 0, 1, 1, 2),
        _short(50714, 0),
        _long(50717, 65535),
    ]
    camera_entries = [
        _text(271, "Testmaker"),
        _text(272, "Model D"),
        _short(274, orientation),
        _text(306, "2024:05:06 07:08:09"),
        _bytes(50706, 1, 4, 0, 0),
        _text(50708, "Testmaker Model D"),
        _fractions(50721, _SRATIONAL, 3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570),
        _fractions(50728, _RATIONAL, 1.0, 1.0, 1.0),
        _short(50778, 21),
    ]
    if preview is None:
        tail = _directory(sensor_entries + camera_entries, directories_at)
    else:
        sub = _directory(sensor_entries, directories_at)
        first_at = directories_at + len(sub)
        first = _directory(_preview_entries(preview, preview_at, directories_at) + camera_entries, first_at)
        tail = sub + first
    start = directories_at if preview is None else directories_at + len(sub)
    head = struct.pack("<2sHL", b"II", 42, start) + pixels + (preview or b"")
    return head.ljust(directories_at, b"\0") + tail


def _preview_entries(preview: bytes, preview_at: int, sensor_directory_at: int) -> list[_Entry]:
    with Image.open(io.BytesIO(preview)) as image:
        width, height = image.size
    return [
        _long(254, 1),
        _long(256, width),
        _long(257, height),
        _short(258, 8, 8, 8),
        _short(259, 7),
        _short(262, 6),
        _long(273, preview_at),
        _short(277, 3),
        _long(278, height),
        _long(279, len(preview)),
        _long(330, sensor_directory_at),
    ]


def _mosaic(picture: Image.Image) -> np.ndarray:
    """What a sensor behind red, green, green and blue filters sees of `picture`: linear, 16 bits."""
    linear = ((np.asarray(picture.convert("RGB"), np.float64) / 255) ** 2.2 * 65535).astype("<u2")
    mosaic = linear[..., 1].copy()
    mosaic[0::2, 0::2] = linear[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = linear[1::2, 1::2, 2]
    return mosaic
