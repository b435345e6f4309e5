"""The tokens of a query: words, phrases in quotes, filters such as `camera:nikon`, and OR."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, auto

from image_pipeline.errors import PipelineError

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"([A-Za-z]+):(?=\S)")
_EMPTY_NAME = re.compile(r"([A-Za-z]+):(?!\S)")
_BARE = re.compile(r"\S+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?$)', re.DOTALL)
_VALUE = re.compile(r'[^\s,"][^\s,]*')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_QUOTES = re.compile(r'[\s,"\\]|^-')


class QueryError(PipelineError):
    """A query cannot be understood: from character `start` to `end`, counted from 0."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(f"{message} (at character {start + 1})")
        self.start, self.end = start, end


class TokenKind(Enum):
    """What a token is."""

    WORD = auto()
    PHRASE = auto()
    FILTER = auto()
    OR = auto()


@dataclass(frozen=True)
class Token:
    """A part of a query, from character `start` to `end`.

    `values` are those of a filter, or the only text of a word or phrase. `is_negative` if a minus precedes it. `name`
    is that of a filter as it was typed, in lower case.
    """

    kind: TokenKind
    values: tuple[str, ...]
    start: int
    end: int
    is_negative: bool = False
    name: str = ""


def query_tokens(text: str, names: Collection[str]) -> Iterator[Token]:
    """The tokens of a query, in order; `names` are those of filters, in lower case.

    A colon makes a filter only after one of `names`: `12:30` is a word. Quotes that are not closed end with the text.
    Raises QueryError if a filter has no value, or its name resembles one of `names`.
    """
    at = _skip(text, 0)
    while at < len(text):
        token = _token(text, at, names)
        yield token
        at = _skip(text, token.end)


def quoted(value: str, *, is_phrase: bool = False) -> str:
    """A value of a filter, in quotes if it needs them, or a phrase."""
    if not is_phrase and value and _NEEDS_QUOTES.search(value) is None:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _token(text: str, start: int, names: Collection[str]) -> Token:
    is_negative = text[start] == "-" and text[start + 1 : start + 2].strip() not in ("", "-")
    at = start + is_negative
    if text[at] == '"':
        value, end = _read_quoted(text, at)
        return Token(TokenKind.PHRASE, (value,), start, end, is_negative)
    found = _NAME.match(text, at)
    if found is not None and found[1].lower() in names:
        values, end = _read_values(text, found.end(), found[1])
        return Token(TokenKind.FILTER, values, start, end, is_negative, found[1].lower())
    word = _BARE.match(text, at)
    assert word is not None, "spaces were skipped"
    _check_name(text, at, names)
    if word[0] == "OR" and not is_negative:
        return Token(TokenKind.OR, (), start, word.end())
    return Token(TokenKind.WORD, (word[0],), start, word.end(), is_negative)


def _check_name(text: str, at: int, names: Collection[str]) -> None:
    """Raises QueryError for a filter without a value, or with a misspelled name."""
    empty = _EMPTY_NAME.match(text, at)
    if empty is not None and empty[1].lower() in names:
        raise QueryError(f"{empty[1]}: has no value: give one, such as {empty[1]}:VALUE", at, empty.end())
    found = _NAME.match(text, at)
    close = get_close_matches(found[1].lower(), names, 1, 0.75) if found is not None else []
    if found is not None and close and not text.startswith("//", found.end()):
        raise QueryError(
            f"There is no filter {found[1]!r}: write {close[0]}:, or put the words in quotes", at, found.end()
        )


def _read_values(text: str, at: int, name: str) -> tuple[tuple[str, ...], int]:
    values: list[str] = []
    while True:
        start = at
        if text[at : at + 1] == '"':
            value, at = _read_quoted(text, at)
        else:
            found = _VALUE.match(text, at)
            value, at = ("", at) if found is None else (found[0], found.end())
        if not value.strip():
            raise QueryError(
                f"A value of {name}: is empty: give one, or leave the comma out", start, max(at, start + 1)
            )
        values.append(value)
        if text[at : at + 1] != ",":
            break
        at += 1
    if at < len(text) and not text[at].isspace():
        raise QueryError(f"After the quotes of {name}: comes {text[at]!r}: put a space or a comma there", at, at + 1)
    return tuple(values), at


def _read_quoted(text: str, at: int) -> tuple[str, int]:
    found = _QUOTED.match(text, at)
    assert found is not None, "what is not closed ends with the text"
    return _ESCAPED.sub(r"\1", found[1]), found.end()


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
