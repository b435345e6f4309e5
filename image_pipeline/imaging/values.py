"""Cleaning of values from EXIF, IPTC and XMP: absurd values are dropped, and the rest becomes storable."""

import math
import re

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACE = re.compile(r"\s+")


def number(value: object, low: float, high: float) -> float | None:
    """`value`, or the first of a tuple, as a finite number within `[low, high]`, else None.

    Rounded to seven significant digits, which is precise enough for rationals such as 1/60.
    """
    if isinstance(value, tuple):
        value = value[0] if value else None
    if value is None or isinstance(value, bytes):
        return None
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not math.isfinite(result) or not low <= result <= high:
        return None
    return float(f"{result:.7g}")


def text(value: object, longest: int = 200) -> str | None:
    """`value` (a text, or bytes in UTF-8 or Latin-1) on one line, without control characters; None if empty.

    The text ends at the first NUL: cameras pad with NULs, and leave old bytes after them.
    """
    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, str):
        value = _as_utf8(value)
    elif isinstance(value, bytes):
        value = _decoded(value)
    else:
        return None
    cleaned = _SPACE.sub(" ", _CONTROL_CHARACTERS.sub("", value.split("\0", 1)[0])).strip()
    return cleaned[:longest].rstrip() or None


def windows_text(value: object, longest: int = 200) -> str | None:
    """The text of one of Windows' own EXIF tags, whose bytes are UTF-16."""
    return text(value.decode("utf-16-le", "replace"), longest) if isinstance(value, bytes) else None


def _as_utf8(value: str) -> str:
    """`value` decoded as UTF-8 if possible: Pillow decodes EXIF texts as Latin-1, but most non-ASCII ones are UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
