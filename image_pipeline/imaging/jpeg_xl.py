"""JPEG XL (ISO/IEC 18181): the header, read here, and the pixels, decoded by libjxl.

The header states the size, so that a hostile file is rejected before the decoder allocates memory for its pixels. It
also states the colour space in which libjxl delivers the pixels, which imagecodecs does not report.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from image_pipeline.imaging.colour_space import (
    BT_709,
    BT_2020,
    DCI_P3,
    DISPLAY_P3,
    ColourSpace,
    Transfer,
    encoded_as_srgb,
    of_code_points,
)
from image_pipeline.imaging.isobmff import Box, boxes
from image_pipeline.imaging.samples import picture_of, to_eight_bits
from image_pipeline.schema.outcome import ImageError, Reason
from image_pipeline.schema.raw_structure import TIFF_MAGICS

_CODESTREAM = b"\xff\x0a"
_HEADER_BYTES = 4096
_MAX_BLOCK = 32 << 20
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ALPHA, _SPOT_COLOUR, _COLOUR_FILTER_ARRAY = 0, 2, 5
_RGB, _XYB = 0, 2
_CUSTOM = 2
_PRIMARIES = {1: BT_709, 9: BT_2020, 11: DISPLAY_P3}
_WHITES = {1: BT_709[6:], 10: (1 / 3, 1 / 3), 11: DCI_P3[6:]}


@dataclass(frozen=True)
class JxlHeader:
    """The size of the picture as displayed, and its colour space; None if that is sRGB, or an ICC profile."""

    width: int
    height: int
    colours: ColourSpace | None


class JxlPicture(ImageFile.ImageFile):
    """A JPEG XL file for Pillow. The decoder has already rotated its pixels."""

    format = "JXL"

    def _open(self) -> None:
        assert self.fp is not None
        header = read_header(self.fp)  # type: ignore[arg-type]
        self._size, self._mode = (header.width, header.height), "RGB"
        for name, block in _metadata(self.fp):  # type: ignore[arg-type]
            self.info.setdefault(name, block)
        if header.colours is not None:
            self.info["colour_space"] = header.colours

    def load(self) -> Any:
        """Decode the first frame. Raises ImageError if it cannot be decoded."""
        if self._im is None:
            assert self.fp is not None
            samples = _decoded(self.fp)  # type: ignore[arg-type]
            if samples.shape[:2] != (self.height, self.width):
                raise ImageError(Reason.UNSUPPORTED, "JPEG XL with additional colour channels is not supported")
            space = self.info.get("colour_space")
            if space is not None and space.transfer is Transfer.LINEAR and samples.dtype != np.uint8:
                samples, self.info["colour_space"] = encoded_as_srgb(samples), replace(space, transfer=Transfer.SRGB)
            picture = picture_of(to_eight_bits(samples))
            self.im, self._mode = picture.im, picture.mode
        return Image.Image.load(self)


def read_header(file: BinaryIO) -> JxlHeader:
    """The header of the codestream (18181-1, annex D). Raises ImageError if there is none, or if it is cut off."""
    bits = _Bits(_codestream(file))
    try:
        bits.read(16)
        width, height = _size(bits)
        orientation, colours = _image_metadata(bits)
    except EOFError as error:
        raise ImageError(Reason.TRUNCATED, "the file ends within its header") from error
    return JxlHeader(*((height, width) if orientation >= 5 else (width, height)), colours)


def _decoded(file: BinaryIO) -> np.ndarray:
    import imagecodecs  # only few libraries have such a file

    file.seek(0)
    try:
        return np.asarray(imagecodecs.jpegxl_decode(file.read(), index=0, numthreads=1))
    except imagecodecs.JpegxlError as error:
        reason = Reason.TRUNCATED if "NEED_MORE_INPUT" in str(error) else Reason.CORRUPT
        raise ImageError(reason, str(error)) from error


def _boxes(file: BinaryIO) -> Iterator[Box]:
    return boxes(file, 0, file.seek(0, os.SEEK_END))


def _codestream(file: BinaryIO) -> bytes:
    """The first bytes of the codestream, without the boxes that it may be in."""
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    if head.startswith(_CODESTREAM):
        return head
    found = b""
    for box in _boxes(file):
        if box.kind in (b"jxlc", b"jxlp"):
            file.seek(box.start + (4 if box.kind == b"jxlp" else 0))
            found += file.read(max(0, min(box.end - file.tell(), _HEADER_BYTES)))
        if len(found) >= _HEADER_BYTES or box.kind == b"jxlc":
            break
    return found


def _metadata(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The first EXIF and the first XMP block of the file's boxes, some of which are compressed by Brotli."""
    file.seek(0)
    if file.read(2) == _CODESTREAM:
        return
    seen: set[bytes] = set()
    for box in _boxes(file):
        kind, start = box.kind, box.start
        if kind == b"brob":
            file.seek(start)
            kind, start = file.read(4), start + 4
        if kind not in (b"Exif", b"xml ") or kind in seen:
            continue
        seen.add(kind)
        file.seek(start)
        block = file.read(max(0, min(box.end - start, _MAX_BLOCK)))
        if box.kind == b"brob":
            block = _inflated(block)
        if kind == b"xml ":
            yield "xmp", block
        elif block.startswith(TIFF_MAGICS):  # pillow-jxl-plugin leaves out the offset that begins the box
            yield "exif", block
        else:
            yield "exif", block[4 + int.from_bytes(block[:4], "big") :]


def _inflated(content: bytes) -> bytes:
    """The content of a compressed box; empty if it is damaged or too large."""
    import imagecodecs

    try:
        return bytes(imagecodecs.brotli_decode(content, out=_MAX_BLOCK))
    except imagecodecs.BrotliError:
        return b""


class _Bits:
    """The bits of some bytes, the lowest of each byte first."""

    def __init__(self, content: bytes) -> None:
        self._value, self._left = int.from_bytes(content, "little"), 8 * len(content)

    def read(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value

    def number(self, *distribution: tuple[int, int]) -> int:
        """A number whose first two bits select an offset and the count of bits that follow."""
        offset, count = distribution[self.read(2)]
        return offset + self.read(count)

    def choice(self) -> int:
        """An enumerated value."""
        return self.number((0, 0), (1, 0), (2, 4), (18, 6))


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.read(1)

    def side() -> int:
        return 8 * (1 + bits.read(5)) if small else bits.number((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    return _width(height, bits.read(3), side), height


def _width(height: int, ratio: int, side: Callable[[], int]) -> int:
    if not ratio:
        return side()
    across, down = _RATIOS[ratio - 1]
    return height * across // down


def _image_metadata(bits: _Bits) -> tuple[int, ColourSpace | None]:
    """The orientation and the colour space."""
    orientation = 1
    if bits.read(1):
        return orientation, None
    if bits.read(1):
        orientation = 1 + bits.read(3)
        if bits.read(1):
            _size(bits)
        if bits.read(1):
            _skip_preview(bits)
        if bits.read(1):
            _skip_animation(bits)
    _skip_depth(bits)
    bits.read(1)
    for _ in range(bits.number((0, 0), (1, 0), (2, 4), (1, 12))):
        _skip_extra_channel(bits)
    bits.read(1)  # whether it is encoded in XYB; libjxl converts it to the colour space that follows
    return orientation, _colours(bits)


def _skip_preview(bits: _Bits) -> None:
    small = bits.read(1)

    def side() -> int:
        if small:
            return 8 * bits.number((16, 0), (32, 0), (1, 5), (33, 9))
        return bits.number((1, 6), (65, 8), (321, 10), (1345, 12))

    height = side()
    _width(height, bits.read(3), side)


def _skip_animation(bits: _Bits) -> None:
    bits.number((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.number((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.number((0, 0), (0, 3), (0, 16), (0, 32))
    bits.read(1)


def _skip_depth(bits: _Bits) -> None:
    if bits.read(1):
        bits.number((32, 0), (16, 0), (24, 0), (1, 6))
        bits.read(4)
    else:
        bits.number((8, 0), (10, 0), (12, 0), (1, 6))


def _skip_extra_channel(bits: _Bits) -> None:
    if bits.read(1):
        return
    kind = bits.choice()
    _skip_depth(bits)
    bits.number((0, 0), (3, 0), (4, 0), (1, 3))
    bits.read(8 * bits.number((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == _ALPHA:
        bits.read(1)
    elif kind == _SPOT_COLOUR:
        bits.read(64)
    elif kind == _COLOUR_FILTER_ARRAY:
        bits.number((1, 0), (0, 2), (3, 4), (19, 8))


def _colours(bits: _Bits) -> ColourSpace | None:
    if bits.read(1):
        return None
    wants_profile, space = bits.read(1), bits.choice()
    if wants_profile or space == _XYB:
        return None
    white_kind = bits.choice()
    white = _chromaticity(bits) if white_kind == _CUSTOM else _WHITES.get(white_kind, BT_709[6:])
    colours = BT_709[:6]
    if space == _RGB:
        kind = bits.choice()
        if kind == _CUSTOM:
            red, green, blue = (_chromaticity(bits) for _ in range(3))
            colours = (*red, *green, *blue)
        else:
            colours = _PRIMARIES.get(kind, BT_709)[:6]
    primaries = (*colours, *white)
    if not all(y > 0 for y in primaries[1::2]):
        return None
    if bits.read(1):
        gamma = bits.read(24) / 1e7
        return ColourSpace(primaries, Transfer.GAMMA, 1 / gamma) if 0.1 <= gamma <= 1 else None
    named = of_code_points(12, bits.choice())
    found = ColourSpace(primaries, named.transfer if named else Transfer.SRGB, named.gamma if named else 1.0)
    return None if found.is_srgb else found


def _chromaticity(bits: _Bits) -> tuple[float, float]:
    x, y = (bits.number((0, 19), (1 << 19, 19), (1 << 20, 20), (1 << 21, 21)) for _ in range(2))
    return _signed(x) / 1e6, _signed(y) / 1e6


def _signed(value: int) -> int:
    return -(value + 1) // 2 if value & 1 else value // 2
