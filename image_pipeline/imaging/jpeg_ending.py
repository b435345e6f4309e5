"""Whether the picture data of a JPEG is complete, with or without the marker that should end it (ITU-T T.81, annex B).

If the data ends too early, libjpeg paints the rest grey; it also accepts zeros as data. Pillow reports neither.
Checking every file closely would cost as much as decoding it, so only suspicious files are checked.
"""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

END_OF_IMAGE = b"\xff\xd9"

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START, _END, _START_OF_SCAN, _RESTART_INTERVAL = 0xD8, 0xD9, 0xDA, 0xDD
_PROGRESSIVE_FRAMES = (0xC2, 0xCA)
_BARE = (0x01, 0xD8, 0xD9)
"""Markers that are not followed by a length."""
_GREY = (127, 128)
"""The values that missing data decodes to, in any number of channels, inverted (as in CMYK) or not."""
_TAIL_BYTES = 16
_STUFFINGS = (b"\x00" * 16, b"\xaa" * 16)
"""Two continuations of a picture's data, which no block decodes to the same values. libjpeg reads at most 16 bytes
ahead while it decodes the last block."""


def is_cut_short(file: BinaryIO, image: Image.Image) -> bool:
    """Whether the last part of `image`, decoded from `file`, is missing.

    A progressive JPEG that ends after some of its scans is accepted as a coarse picture.
    """
    corner = _values(image.getpixel((image.width - 1, image.height - 1)))
    grey = all(value in _GREY for value in corner) and "progressive" not in image.info
    if not grey and not _ends_in_zeros(file):
        return False
    file.seek(0)
    content = file.read()
    end = _end_of_image(content)
    if end is None:
        return with_end_marker(content) is None
    return grey and not _is_whole(content[:end])


def picture_data(content: bytes) -> bytes:
    """The part of a JPEG that belongs to its picture, without the end marker, and without zeros in place of data."""
    content = content[: _next_picture(content)]
    content = content[: _end_of_image(content)]
    return content.rstrip(b"\0") if not content[-_TAIL_BYTES:].strip(b"\0") else content


def with_end_marker(content: bytes) -> bytes | None:
    """`content`, a JPEG without the marker of its end, with that marker; None if its picture is not complete.

    Zeros at its end count as room that was never written.
    """
    if not content[-_TAIL_BYTES:].strip(b"\0"):
        content = content.rstrip(b"\0")
    content = content[: _next_picture(content)].removesuffix(b"\xff")  # the first half of the marker
    if _end_of_image(content) is not None:
        return None  # the marker is there: something else is wrong
    is_whole = _is_progressive_whole(content) if _is_progressive(content) else _is_whole(content)
    return content + END_OF_IMAGE if is_whole else None


def _values(pixel: float | tuple[int, ...] | None) -> tuple[float, ...]:
    return pixel if isinstance(pixel, tuple) else (pixel or 0.0,)


def _ends_in_zeros(file: BinaryIO) -> bool:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    return not file.read().strip(b"\0")


def _end_of_image(content: bytes) -> int | None:
    """The offset of the marker that ends the picture; None if there is none before the next picture."""
    return _behind_scan(content[: _next_picture(content)], _END)


def _next_picture(content: bytes) -> int | None:
    """The offset of the picture that follows in the file, such as a preview; None if there is none."""
    return _behind_scan(content, _START)


def _behind_scan(content: bytes, wanted: int) -> int | None:
    """The offset of the first marker `wanted` after the start of a scan."""
    scanning = False
    for marker, at, _ in segments(content):
        if marker == wanted and scanning:
            return at
        if marker == _END and scanning:
            return None
        scanning = scanning or marker == _START_OF_SCAN
    return None


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """The markers of a JPEG, each with its offset and the offset of what follows its length; without restarts."""
    at = 2
    while (found := _MARKER.search(content, at)) is not None:
        at, marker = found.end(), content[found.end() - 1]
        yield marker, found.start(), at + 2
        if marker not in _BARE:
            at += int.from_bytes(content[at : at + 2], "big")


def _is_whole(content: bytes) -> bool:
    """Whether a JPEG without its end marker has enough data for all its blocks.

    If not, libjpeg asks for more, or its last blocks depend on what follows the data.
    """
    one, other = (_decoded(content + stuffing) for stuffing in _STUFFINGS)
    return one is not None and one == other


def _is_progressive_whole(content: bytes) -> bool:
    """The same for a progressive JPEG: all scans must be there, and the last one must not depend on what follows it.

    False if there are restart markers, since the last ones could be missing.
    """
    if any(marker == _RESTART_INTERVAL for marker, _, _ in segments(content)) or not _has_all_scans(content):
        return False
    one, other = (_decoded(content + stuffing + END_OF_IMAGE) for stuffing in _STUFFINGS)
    return one is not None and one == other


def _decoded(content: bytes) -> bytes | None:
    """The pixels of a JPEG; None if libjpeg asks for more data."""
    image = JpegImageFile(io.BytesIO(content))
    try:
        image.load()
    except OSError:
        return None
    return image.tobytes()


def _is_progressive(content: bytes) -> bool:
    return any(marker in _PROGRESSIVE_FRAMES for marker, _, _ in segments(content))


def _has_all_scans(content: bytes) -> bool:
    """Whether every coefficient of every component was sent to its last bit (ITU-T T.81, annex G)."""
    missing: set[tuple[int, int]] = set()
    for marker, _, at in segments(content):
        if marker in _PROGRESSIVE_FRAMES:
            count = content[at + 5] if len(content) > at + 5 else 0
            components = content[at + 6 : at + 6 + 3 * count : 3]
            missing = {(component, index) for component in components for index in range(64)}
        elif marker == _START_OF_SCAN and len(content) > at:
            count = content[at]
            components = content[at + 1 : at + 1 + 2 * count : 2]
            parameters = content[at + 1 + 2 * count : at + 4 + 2 * count]
            if len(parameters) == 3 and parameters[2] & 15 == 0:
                sent = range(parameters[0], min(parameters[1], 63) + 1)
                missing -= {(component, index) for component in components for index in sent}
    return not missing
