"""Descriptions that people gave: the comment of EXIF, and what cameras write into descriptions by themselves."""

import re

from image_pipeline.imaging.encodings import decoded
from image_pipeline.imaging.values import text

_CODE_BYTES = 8
_CAMERAS = frozenset(
    {
        *("olympus digital camera", "sony dsc", "samsung", "samsung camera pictures", "samsung digital camera"),
        *("minolta digital camera", "konica minolta digital camera", "kodak digital still camera", "digital camera"),
        *("digital still camera", "exif_jpeg_picture", "exif jpeg", "dvc 10.1 hdmi", "applemark", "created by imlib"),
        *("iclarified", "binary comment", "charset=ascii", "ascii", "unicode", "default", "image description"),
        *("user comments", "user comment", "untitled", "scanner", "screenshot"),
    }
)
_SCENES = re.compile(
    # what the camera programs of Huawei, Honor and Xiaomi write about the lens and the mode
    r"(?:[a-z]{0,6}hdr[a-z]{0,4}|sdr(?:_\w+)?|[a-z]{0,8}_?cuva|oznor\w*|btf[a-z]*|fbt|rbt|ptr|btr|mon|nor|dav"
    r"|mde(?:_[a-z]+)?|edf|frem|rpt|burst|cof|qrf|fshbty|frontbhdp)$"
)
_PATTERNS = re.compile(
    r"(?:(?:[a-z]:)?[\\/]?dcim[\\/].*"  # the path on the camera's card: DJI, GoPro
    r"|(?:dji|dsc[fn]?|img|gopr|pict|imgp|mvi|pxl)[_-]?\d{3,}(?:\.[a-z0-9]{2,4})?"
    r"|<?(?:digimax|kenox) [^>]*>?|lead technologies inc\..*|file written by adobe.*|created with (?:the )?gimp"
    r'|\{".*\})$',
    re.IGNORECASE,
)


def description(value: str | None) -> str | None:
    """`value`, unless cameras or programs write such a text by themselves."""
    if value is None or value.casefold() in _CAMERAS or _SCENES.match(value) or _PATTERNS.match(value):
        return None
    return value


def user_comment(value: object, is_big_endian: bool, longest: int) -> str | None:
    """The text of EXIF's UserComment, whose first eight bytes name its encoding (EXIF 2.32, 4.6.5)."""
    if isinstance(value, str):  # some programs write it as a plain text
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return None
    code, content = value[:_CODE_BYTES].rstrip(b"\0 ").upper(), value[_CODE_BYTES:]
    if code == b"UNICODE":
        return text(_utf_16(content, is_big_endian), longest)
    if code == b"JIS":
        try:
            return text(content.rstrip(b"\0").decode("iso2022_jp"), longest)
        except UnicodeDecodeError:
            return None
    if code in (b"ASCII", b""):
        return text(decoded(content.split(b"\0", 1)[0]), longest)
    # some programs write no code
    return (
        text(value, longest) if value[:_CODE_BYTES].isascii() and value[:_CODE_BYTES].decode().isprintable() else None
    )


def _utf_16(content: bytes, is_big_endian: bool) -> str:
    """UTF-16 in the order of its mark; else in that of the file, unless the other one gives more common letters."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    content = content[: len(content) // 2 * 2]
    orders = ("utf-16-be", "utf-16-le") if is_big_endian else ("utf-16-le", "utf-16-be")
    readings = [content.decode(order, "replace").split("\0", 1)[0] for order in orders]
    return max(readings, key=lambda reading: sum(letter.isascii() for letter in reading))
