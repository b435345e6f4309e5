"""PCX (ZSoft PCX File Format Technical Reference, revision 5): whether the palette behind the picture is there.

A picture of 256 colours has its palette at the end of the file. Pillow takes the last 769 bytes for it if they begin
with its mark, whatever they are, and shows the indices as grey levels if they do not: both are wrong for a file that
was cut off.
"""

import re
from typing import BinaryIO

_HEADER_BYTES = 128
_GREY_WITHOUT_PALETTE = 2
_MARK, _PALETTE_BYTES = b"\x0c", 768
_RUN = re.compile(rb"[\xc0-\xff].|[\x00-\xbf]+", re.DOTALL)


def is_pcx_truncated(file: BinaryIO) -> bool:
    """Whether the picture has 256 colours, and the file ends before the end of their palette."""
    file.seek(0)
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or (header[1], header[3], header[65]) != (5, 8, 1):
        return False
    height = int.from_bytes(header[10:12], "little") - int.from_bytes(header[6:8], "little") + 1
    row_bytes, kind = (int.from_bytes(header[at : at + 2], "little") for at in (66, 68))
    content = file.read()
    end = _picture_end(content, row_bytes * height)
    if end is None:
        return False  # the decoder reports it
    behind = content[end:]
    if kind == _GREY_WITHOUT_PALETTE and not behind.startswith(_MARK):
        return False
    return not (content[-_PALETTE_BYTES - 1 :].startswith(_MARK) and len(behind) > _PALETTE_BYTES)


def _picture_end(content: bytes, pixels: int) -> int | None:
    """The offset behind the runs of `pixels` bytes; None if there are fewer."""
    found = 0
    for run in _RUN.finditer(content):
        code = content[run.start()]
        found += code & 0x3F if code >= 0xC0 else run.end() - run.start()
        if found >= pixels:
            return run.end() if code >= 0xC0 else run.end() - (found - pixels)
    return None
