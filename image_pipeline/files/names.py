"""File names as text, whatever bytes the file system holds.

A POSIX name is any sequence of bytes without NUL and slash, while tables and payloads hold UTF-8. Valid UTF-8 is kept
unchanged. Each byte that is not valid UTF-8 becomes one character of the private range U+F780…U+F7FF (byte 0x80 is
U+F780), so that the mapping can be reversed. For the same reason, a character of this range in a valid name is escaped
byte by byte. The locale does not matter: only the bytes count.
"""

import os

_ESCAPE_BASE = 0xF700
_FIRST, _LAST = 0xF780, 0xF7FF


def to_text(name: str) -> str:
    """The text of a name in the form that Python's `os` functions return (undecodable bytes as lone surrogates)."""
    if name.isascii():
        return name
    characters = []
    for character in os.fsencode(name).decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            characters.append(chr(_ESCAPE_BASE + (code & 0xFF)))
        elif _FIRST <= code <= _LAST:
            characters.extend(chr(_ESCAPE_BASE + byte) for byte in character.encode())
        else:
            characters.append(character)
    return "".join(characters)


def from_text(text: str) -> str:
    """The name, for Python's `os` functions, that `to_text` turned into `text`."""
    if text.isascii():
        return text
    raw = bytearray()
    for character in text:
        code = ord(character)
        if _FIRST <= code <= _LAST:
            raw.append(code & 0xFF)
        else:
            raw += character.encode()
    return os.fsdecode(bytes(raw))
