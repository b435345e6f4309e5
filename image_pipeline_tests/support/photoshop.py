"""Photoshop documents, which Pillow reads and does not write (Adobe Photoshop File Formats Specification)."""

import struct

import imagecodecs
import numpy as np
from PIL import Image

RAW, RUNS = 0, 1
_MODES = {"1": 0, "L": 1, "P": 2, "RGB": 3, "CMYK": 4, "LAB": 9}


def photoshop(
    picture: Image.Image,
    compression: int = RUNS,
    depth: int = 8,
    large: bool = False,
    resources: dict[int, bytes] | None = None,
) -> bytes:
    """A document without layers: the composite of `picture`, and resources by number."""
    pixels = np.asarray(picture)
    if picture.mode == "CMYK":
        pixels = 255 - pixels
    planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if picture.mode == "1":
        planes, depth = np.packbits(~planes, axis=2), 1
    deep = {1: planes, 8: planes, 16: planes.astype(">u2") * 257, 32: (planes / 255).astype(">f4")}[depth]
    shape = len(planes), picture.height, picture.width, depth
    header = struct.pack(">4sH6xHLLHH", b"8BPS", 2 if large else 1, *shape, _MODES[picture.mode])
    colours = b""
    if picture.mode == "P":
        table = np.zeros((256, 3), np.uint8)
        given = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
        table[: len(given)] = given
        colours = table.T.tobytes()
    kept = b"".join(resource(number, content) for number, content in (resources or {}).items())
    blocks = struct.pack(">L", len(colours)) + colours + struct.pack(">L", len(kept)) + kept
    layers = bytes(8 if large else 4)
    rows = [np.ascontiguousarray(row).tobytes() for plane in deep for row in plane]
    if compression == RUNS:
        rows = [bytes(imagecodecs.packbits_encode(row)) for row in rows]
        sizes = struct.pack(f">{len(rows)}{'L' if large else 'H'}", *map(len, rows))
        return header + blocks + layers + struct.pack(">H", RUNS) + sizes + b"".join(rows)
    return header + blocks + layers + struct.pack(">H", RAW) + b"".join(rows)


def resource(number: int, content: bytes) -> bytes:
    """An image resource without a name."""
    return b"8BIM" + struct.pack(">H2xL", number, len(content)) + content + bytes(len(content) % 2)
