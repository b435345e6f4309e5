"""JPEG 2000 (ISO/IEC 15444): completeness, and the blocks of its boxes.

OpenJPEG decodes what there is of a file that was cut off, and reports no error. The lengths of all tile parts are in
their headers, so this module compares them with the file's size (15444-1, annex A).
"""

import os
from typing import BinaryIO

from image_pipeline.imaging.isobmff import Box, boxes, boxes_within

_CODESTREAM = b"\xff\x4f\xff\x51"
_START_OF_TILE_PART, _END_OF_CODESTREAM = b"\xff\x90", b"\xff\xd9"
_MOST_MARKERS = 1 << 18
_MAX_BLOCK = 32 << 20
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF_BOX = b"JpgTiffExif->JP2"
_PROFILE_METHODS = (2, 3)


def is_jpeg_2000_truncated(file: BinaryIO) -> bool:
    """Whether the file ends within its codestream, or before it."""
    size = file.seek(0, os.SEEK_END)
    at = _codestream(file)
    if at is None:
        return True
    at += 2
    for _ in range(_MOST_MARKERS):
        file.seek(at)
        marker, length = file.read(2), int.from_bytes(file.read(2), "big")
        if marker == _END_OF_CODESTREAM:
            return False
        if len(marker) < 2 or marker[0] != 0xFF or at >= size:
            return True  # cut off, or zeros that were never overwritten
        if marker == _START_OF_TILE_PART:
            file.seek(at + 6)
            part = int.from_bytes(file.read(4), "big")
            if part == 0:  # the last one, up to the end
                file.seek(max(0, size - 2))
                return file.read(2) != _END_OF_CODESTREAM
            at += max(part, 12)
        else:
            at += 2 + max(length, 2)
    return False


def jpeg_2000_blocks(file: BinaryIO) -> dict[str, bytes]:
    """The colour profile, EXIF and XMP, as Pillow names them; Pillow reads none of them."""
    found: dict[str, bytes] = {}
    file.seek(0)
    if file.read(4) == _CODESTREAM:
        return found
    for box in boxes(file, 0, file.seek(0, os.SEEK_END)):
        if box.kind == b"jp2h":
            for inner in boxes_within(file, box):
                content = _content(file, inner) if inner.kind == b"colr" else b""
                if content[:1] and content[0] in _PROFILE_METHODS:
                    found.setdefault("icc_profile", content[3:])
        elif box.kind == b"uuid":
            file.seek(box.start)
            identity = file.read(16)
            if identity in (_XMP_BOX, _EXIF_BOX):
                found["xmp" if identity == _XMP_BOX else "exif"] = _content(file, box)[16:]
    return found


def _codestream(file: BinaryIO) -> int | None:
    """The offset of the codestream."""
    file.seek(0)
    if file.read(4) == _CODESTREAM:
        return 0
    size = file.seek(0, os.SEEK_END)
    return next((box.start for box in boxes(file, 0, size) if box.kind == b"jp2c"), None)


def _content(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start)
    return file.read(max(0, min(box.end - box.start, _MAX_BLOCK)))
