"""Files built as cameras' TIFF-like RAWs are, around a thumbnail: some with sensor data, some without any."""

import struct
from collections.abc import Callable, Sequence

import numpy as np

from image_pipeline_tests.support.scenes import scene

THUMBNAIL = (48, 32)
SENSOR = (480, 320)

Tags = dict[int, int | str]
"""The tags of a directory: numbers or texts."""

_FAR_AWAY = 1 << 24


def tiff(
    directories: Sequence[Tags], below: Sequence[Tags] = (), order: str = "<", magic: bytes | None = None, at: int = 0
) -> bytes:
    """A TIFF structure with a chain of `directories`, and the sub-directories `below` the first.

    Behind the header, or from byte `at`, come a thumbnail of RGB values and the sensor's values of 16 bits. Tag 273 of
    a directory says which of them is its picture: `"thumbnail"`, `"sensor"`, or `"nowhere"`, behind the file's end.
    The directories come last.
    """
    thumbnail = scene(*THUMBNAIL).tobytes()
    mosaic = np.asarray(scene(*SENSOR).convert("L"), np.uint16).astype(order + "u2") * 250
    sensor = mosaic.tobytes()
    start = max(at, 16)
    places = {"thumbnail": (start, len(thumbnail)), "sensor": (start + len(thumbnail), len(sensor))}
    body = bytes(start - 16) + thumbnail + sensor
    table_at = 16 + len(body)
    offsets, ends = [], table_at
    for tags in [*directories, *below]:
        offsets.append(ends)
        ends += 2 + 12 * _entries(tags, bool(below) and tags is directories[0]) + 4
    array_at = ends
    out, texts = b"", b""
    text_at = array_at + 4 * len(below)
    for number, tags in enumerate([*directories, *below]):
        entries: dict[int, tuple[int, int, bytes]] = {}
        for tag, value in tags.items():
            if tag == 273 and isinstance(value, str):
                where, length = places.get(value, (_FAR_AWAY, 1 << 20))
                entries[273] = 4, 1, struct.pack(order + "L", where)
                entries[279] = 4, 1, struct.pack(order + "L", length)
            elif isinstance(value, str):
                data = value.encode() + b"\0"
                entries[tag] = 2, len(data), struct.pack(order + "L", text_at + len(texts))
                texts += data.ljust(max(5, len(data)), b"\0")
            else:
                kind = 3 if value < 1 << 16 else 4
                entries[tag] = kind, 1, struct.pack(order + ("HH" if kind == 3 else "L"), *([value, 0][: 5 - kind]))
        if number == 0 and below:
            subs = offsets[len(directories) :]
            entries[330] = 4, len(subs), struct.pack(order + "L", subs[0] if len(subs) == 1 else array_at)
        out += struct.pack(order + "H", len(entries))
        for tag, (kind, count, data) in sorted(entries.items()):
            out += struct.pack(order + "HHL", tag, kind, count) + data
        following = offsets[number + 1] if number + 1 < len(directories) else 0
        out += struct.pack(order + "L", following)
    subs = offsets[len(directories) :]
    out += struct.pack(f"{order}{len(subs)}L", *subs) + texts
    mark = magic or (b"II*\0" if order == "<" else b"MM\0*")
    header = (mark[:4] + struct.pack(order + "L", table_at) + mark[4:]).ljust(16, b"\0")
    return header + body + out


def _entries(tags: Tags, with_below: bool) -> int:
    return len(tags) + (273 in tags and isinstance(tags[273], str)) + with_below


def _thumbnail(make: str, reduced: int = 1) -> Tags:
    width, height = THUMBNAIL
    about: Tags = {271: make, 272: f"{make} X1", 277: 3, 278: height, 273: "thumbnail"}
    return {254: reduced, 256: width, 257: height, 258: 8, 259: 1, 262: 2, **about}


def _sensor(place: str = "sensor", photometric: int | None = 32803, compression: int = 1) -> Tags:
    width, height = SENSOR
    tags: Tags = {254: 0, 256: width, 257: height, 258: 16, 259: compression, 277: 1, 278: height, 273: place}
    return tags if photometric is None else {**tags, 262: photometric}


def skeletons() -> dict[str, bytes]:
    """The files, by what they are built like."""
    return {name: make() for name, make in _MAKERS.items()}


_MAKERS: dict[str, Callable[[], bytes]] = {
    "a Nikon": lambda: tiff([_thumbnail("NIKON CORPORATION")], [_sensor()]),
    "a Nikon, big endian": lambda: tiff([_thumbnail("NIKON CORPORATION")], [_sensor()], order=">"),
    "a Nikon, its directories far behind": lambda: tiff([_thumbnail("NIKON CORPORATION")], [_sensor()], at=20_000),
    "a Nikon without sensor data": lambda: tiff([_thumbnail("NIKON CORPORATION")], [_sensor("nowhere")]),
    "a Nikon whose sensor's directory is gone": lambda: tiff([_thumbnail("NIKON CORPORATION") | {330: _FAR_AWAY}]),
    "a Nikon that is compressed": lambda: tiff([_thumbnail("NIKON CORPORATION", 0)], [_sensor("sensor", None, 34713)]),
    "a Canon": lambda: tiff([_thumbnail("Canon", 0), _sensor()], magic=b"II*\0CR\2\0"),
    "a Canon without sensor data": lambda: tiff([_thumbnail("Canon", 0)], magic=b"II*\0CR\2\0"),
    "a Sony": lambda: tiff([_thumbnail("SONY")], [_sensor("sensor", 32803, 32767)]),
    "a Pentax": lambda: tiff([_sensor() | {271: "PENTAX"}, _thumbnail("PENTAX")], order=">"),
    "a Samsung": lambda: tiff([_thumbnail("SAMSUNG")], [_thumbnail("SAMSUNG"), _sensor("sensor", 32803, 32770)]),
    "an Olympus": lambda: tiff([_thumbnail("OLYMPUS", 0)], magic=b"IIRO"),
    "a Panasonic": lambda: tiff([_thumbnail("Panasonic", 0)], magic=b"IIU\0"),
    "one that LibRaw alone knows": lambda: tiff([_thumbnail("Somebody", 0), _sensor("sensor", None) | {258: 12}]),
}


def grey_scan(maker: str | None = None) -> bytes:
    """A grey TIFF of 16 bits, which LibRaw takes for a RAW."""
    about: Tags = {} if maker is None else {271: maker}
    return tiff([_sensor("sensor", 1) | about])
