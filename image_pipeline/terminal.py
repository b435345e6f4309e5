"""Safe output to a terminal or a log: hostile characters in names, captions and messages are shown as escapes.

File names, EXIF and the messages of decoders can contain anything. On a terminal, control characters move the cursor,
set the window's title or erase earlier output; a newline starts a line that looks like the program's own; and a
bidirectional override displays `gpj.exe` reversed. So every line is printed by `echo` (or `echo_json`), which shows
such characters by their codes.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

# Spelled out, since `unicodedata` changes with Python's version: controls (C0, C1), characters that change the text
# direction, separators of lines and paragraphs, characters that hide text in annotations and tags, surrogates.
# Characters that languages and emoji need (joiners, variation selectors) are kept.
_HOSTILE = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0001"
_ESCAPED = re.compile(f"[{_HOSTILE}]")
_ESCAPED_IN_TEXT = re.compile(rf"(?![\t\n])[{_HOSTILE}]")
_NAMES = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
_ESCAPE = re.compile(r"\\(?:([tnr])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_SPACES = {"t": "\t", "n": "\n", "r": "\r"}
_CREDENTIALS = re.compile(r"(?<=://)[^\s/'\"]*@")


def escaped(text: object) -> str:
    """`text` on one line; characters that a terminal would obey, or not show, as `\\n`, `\\x1b` or `\\u202e`."""
    return _ESCAPED.sub(_code, str(text))


def escaped_lines(text: str) -> str:
    """Like `escaped`, for a text of several lines, such as a stack trace: tabs and newlines are kept."""
    return _ESCAPED_IN_TEXT.sub(_code, text)


def in_one_line(text: object, most: int) -> str:
    """The beginning of `text`, such as an error of a library, with single spaces in place of all white space."""
    return " ".join(str(text).split())[:most]


def counted(count: int, one: str, several: str | None = None) -> str:
    """`count` with its noun, for people: `1 file`, `2,000 files`."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def in_bytes(count: float) -> str:
    """A number of bytes with its unit, for people: `12 KB` is 12,000 bytes."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.{0 if unit == 'B' or count >= 10 else 1}f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def unescaped(text: str) -> str:
    """The reverse of `escaped`, for a name that a person copied from printed output."""
    return _ESCAPE.sub(lambda m: _SPACES.get(m[1]) or chr(int(m[2] or m[3] or m[4], 16)), text)


def echo(line: object = "", *, err: bool = False) -> None:
    """Print one line, escaped, on stdout or stderr."""
    _write(f"{escaped(line)}\n", sys.stderr if err else sys.stdout)


def echo_json(value: object, *, err: bool = False, default: Callable[[Any], Any] | None = None) -> None:
    """Print `value` as one line of JSON; escapes characters that the stream lacks, or a terminal would obey."""
    stream = sys.stderr if err else sys.stdout
    is_unicode = (stream.encoding or "utf-8").lower().replace("-", "").replace("_", "") == "utf8"
    line = json.dumps(value, ensure_ascii=not is_unicode, default=default)
    # such characters occur only inside JSON strings: `dumps` writes none between them
    _write(_ESCAPED.sub(_json_code, line) + "\n", stream)


def write_document(parts: Iterable[str]) -> None:
    """Write the parts of a document on stdout, in UTF-8; what a terminal would obey is escaped if stdout is one."""
    for part in parts:
        if sys.stdout.isatty():
            _write(escaped_lines(part.replace("\r\n", "\n")), sys.stdout)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(part.encode())
            sys.stdout.buffer.flush()


def show_what_cannot_be_encoded() -> None:
    """Make stdout and stderr escape characters that their encoding lacks, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _write(line: str, stream: TextIO) -> None:
    stream.write(line)
    stream.flush()


def _code(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < 0x80:
        return _NAMES.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_code(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if ord(match[0]) != 0x7F else "\\u007f"


def without_passwords(text: str) -> str:
    """`text` with the name and password removed from each URL in it: `http://host:6333`."""
    return _CREDENTIALS.sub("", text)


def without_password(value: str) -> str:
    """`value`, which was meant to be one URL, without anything before its host, even if it is malformed."""
    scheme, mark, rest = value.partition("://")
    return scheme + mark + rest.rpartition("@")[2] if mark else value.rpartition("@")[2]
