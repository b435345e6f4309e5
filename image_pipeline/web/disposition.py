"""`Content-Disposition`: the name under which a browser stores a file (RFC 6266), from a name of any characters."""

import unicodedata
from urllib.parse import quote

_MOST_BYTES = 200  # file systems take 255
_UNSAFE = frozenset('"\\/:*?<>|%')
_OTHER = "_"


def disposition(name: str, is_shown: bool) -> str:
    """The header for a file of this name (text); a browser shows it if `is_shown`, else it stores it."""
    safe = "".join(_safe(character) for character in unicodedata.normalize("NFC", name))
    safe = _shortened(safe.strip(" .")) or "photograph"
    plain = safe.encode("ascii", "replace").decode().replace("?", _OTHER)
    kind = "inline" if is_shown else "attachment"
    extended = "" if plain == safe else f"; filename*=UTF-8''{quote(safe, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'


def _safe(character: str) -> str:
    # controls, directions of writing, lone surrogates, private use (bytes that are no text), and the signs of paths
    is_other = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or character in _UNSAFE
    return _OTHER if is_other else character


def _shortened(name: str) -> str:
    """`name` with at most 200 bytes of UTF-8: its beginning, and its ending with the format."""
    if len(name.encode()) <= _MOST_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, dot, ending = name, "", ""
    room = _MOST_BYTES - len(f"{dot}{ending}".encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + ending
