"""Names of files as text, whatever bytes the file system holds.

A POSIX name is any sequence of bytes without NUL and slash. Tables and payloads hold UTF-8. A name that is valid UTF-8
stands there as it is; each byte that is not becomes one character of the private range U+F780…U+F7FF (byte 0x80 is
U+F780), so that the mapping can be turned back. A valid name that holds such a character itself is escaped bytewise,
for the same reason. All this holds whatever the locale: the bytes are what counts.
"""

import os

_ESCAPE_BASE = 0xF700
_FIRST, _LAST = 0xF780, 0xF7FF


def to_text(name: str) -> str:
    """The text of a name as Python's `os` functions give it (undecodable bytes as lone surrogates)."""
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
    """The name, for Python's `os` functions, that `to_text` made `text` of."""
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
