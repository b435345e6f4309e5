"""Cleaning of values from EXIF, IPTC and XMP: absurd values are dropped, and the rest becomes storable."""

import codecs
import math
import re
from contextlib import suppress

from image_pipeline.imaging.encodings import decoded, repaired

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_RATIONAL = re.compile(r"(-?\d{1,12}(?:\.\d{1,12})?)(?:/(\d{1,12}))?$", re.ASCII)


def number(value: object, low: float, high: float) -> float | None:
    """`value`, or the first of a tuple, as a finite number within `[low, high]`, else None.

    Rounded to seven significant digits, which is precise enough for rationals such as 1/60.
    """
    value = first(value)
    if value is None or isinstance(value, bytes):
        return None
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not math.isfinite(result) or not low <= result <= high:
        return None
    return float(f"{result:.7g}")


def rational(value: str | None) -> float | None:
    """The number that XMP writes as `28/10` or `2.8`; None if it is neither, or its denominator is zero."""
    match = _RATIONAL.match((value or "").strip())
    if match is None or (match[2] and not int(match[2])):
        return None
    return float(match[1]) / int(match[2] or 1)


def text(value: object, longest: int = 200) -> str | None:
    """`value` (a text, or bytes whose encoding is certain) on one line, without control characters; None if empty.

    The text ends at the first NUL: cameras pad with NULs, and leave old bytes after them.
    """
    value = first(value)
    if isinstance(value, bytes):
        value = _beginning(value.split(b"\0", 1)[0], 8 * longest)
    if not isinstance(value, str):
        return None
    readable = repaired(value.split("\0", 1)[0])
    cleaned = _SPACE.sub(" ", _CONTROL_CHARACTERS.sub("", readable)).strip()
    return cleaned[:longest].rstrip() or None


def _beginning(content: bytes, most: int) -> str | None:
    """`content` as text, or the beginning of it: a TIFF may give 4 GB for a title."""
    if len(content) <= most:
        return decoded(content)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content[:most])  # which may end within a character
    except UnicodeDecodeError:
        return decoded(content[:most])


def exif_text(value: object, longest: int = 200) -> str | None:
    """The text of an EXIF tag, which Pillow decodes as Latin-1, whatever its encoding is."""
    value = first(value)
    if isinstance(value, str):
        with suppress(UnicodeEncodeError):  # it was not decoded as Latin-1
            value = value.encode("latin-1")
    return text(value, longest)


def windows_text(value: object, longest: int = 200) -> str | None:
    """The text of one of Windows' own EXIF tags, whose bytes are UTF-16."""
    return text(value.decode("utf-16-le", "replace"), longest) if isinstance(value, bytes) else None


def first(value: object) -> object:
    """The first of a tuple or list, None if it is empty; any other value as it is."""
    if isinstance(value, tuple | list):
        return value[0] if value else None
    return value
