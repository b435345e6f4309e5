"""The query language: what a person types into one box, words and filters, in any order.

- `a red car "golden gate"`: words, and a phrase that photographs must have, in their names or texts.
- `camera:nikon`, `person:"Anna Berg"`, `rating:4..`, `near:Berlin,20km`, `2024-05`, `2024-05..2024-07`: filters, all of
  which have to be met. Their names are those of `QUERY_FILTERS` and `OTHER_NAMES`.
- `camera:nikon,canon`, `camera:nikon OR city:Rome`: one of several. OR joins the filters on both sides of it.
- `-keyword:work`, `-2024`, `-dog`: none of these. A word alone is one of the caption.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.services.filter_texts import FilterTextError
from image_pipeline.services.query_filters import BARE_DATE, OTHER_NAMES, QUERY_FILTERS, both, filter_texts
from image_pipeline.services.query_tokens import QueryError, Token, TokenKind, query_tokens, quoted

MOST_CHARACTERS = 2000
MOST_FILTERS = 64
_NAMES = frozenset((*QUERY_FILTERS, *OTHER_NAMES))


@dataclass(frozen=True)
class Chip:
    """A filter of a query, or several that OR joins: its text, and where it is in the query, from `start` to `end`.

    `name` is that of the filter, None if there are several. `is_negative` if photographs must not meet it.
    """

    text: str
    name: str | None
    is_negative: bool
    start: int
    end: int


@dataclass(frozen=True)
class Query:
    """What a query asks for: `words` to search by (empty: none), phrases that hits must have, and a filter.

    `text` is a query that asks for the same, in a uniform way.
    """

    words: str
    phrases: tuple[str, ...]
    search_filter: SearchFilter
    chips: tuple[Chip, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class _Term:
    """A filter as it was typed."""

    token: Token
    name: str
    search_filter: SearchFilter


def parse_query(text: str, most_characters: int = MOST_CHARACTERS, most_filters: int = MOST_FILTERS) -> Query:
    """What `text` asks for.

    Raises QueryError if it cannot be understood: a filter without a value, with one that makes no sense, with a name
    that resembles that of a filter; OR between a filter and a word; or too much of everything.
    """
    if len(text) > most_characters:
        raise QueryError(
            f"A query may have up to {most_characters:,} characters: shorten it", most_characters, len(text)
        )
    words: list[str] = []
    typed: list[str] = []
    phrases: list[str] = []
    groups: list[list[_Term]] = []
    tokens = list(query_tokens(text, _NAMES))
    terms = [_term(token) for token in tokens]
    is_joined = False
    for number, (token, term) in enumerate(zip(tokens, terms, strict=True)):
        if token.kind is TokenKind.OR and (is_joined := _joins(token, tokens, terms, number)):
            continue
        if term is not None:
            if is_joined:
                groups[-1].append(term)
            else:
                groups.append([term])
        else:
            words.append(token.values[0] if token.values else "OR")
            typed.append(text[token.start : token.end])
            if token.kind is TokenKind.PHRASE:
                phrases.append(token.values[0])
                typed[-1] = quoted(token.values[0], is_phrase=True)
        is_joined = False
    if sum(map(len, groups)) > most_filters:
        raise QueryError(
            f"A query may have up to {most_filters} filters: leave some out", groups[0][0].token.start, len(text)
        )
    wanted = [_filter_of(group) for group in groups]
    chips = [_chip(group, one) for group, one in zip(groups, wanted, strict=True)]
    search_filter = both(wanted)
    return Query(
        words=" ".join(" ".join(words).split()),
        phrases=tuple(one for one in phrases if one.strip()),
        search_filter=search_filter,
        chips=tuple(chips),
        text=" ".join([*filter_texts(search_filter), *typed]),
    )


def _joins(token: Token, tokens: Sequence[Token], terms: Sequence[_Term | None], number: int) -> bool:
    """Whether OR joins two filters; otherwise it is a word, if it stands between words."""
    sides = [terms[one] is not None for one in (number - 1, number + 1) if 0 <= one < len(terms)]
    if sides == [True, True]:
        return True
    if any(sides):
        raise QueryError(
            "OR has to stand between two filters, such as camera:nikon OR camera:canon: write words without it",
            token.start,
            token.end,
        )
    return False


def _term(token: Token) -> _Term | None:
    """The filter that a token is; None for words."""
    text = token.values[0] if token.values else ""
    if token.kind is TokenKind.FILTER:
        name = OTHER_NAMES.get(token.name, token.name)
        return _Term(token, name, _read(token, name))
    if token.kind is TokenKind.WORD and BARE_DATE.match(text):
        return _Term(token, "date", _read(token, "date"))
    if token.is_negative and any(character.isalnum() for character in text):
        return _Term(token, "caption", _read(token, "caption"))
    return None


def _read(token: Token, name: str) -> SearchFilter:
    declared = QUERY_FILTERS[name]
    try:
        ways = (
            [declared.read(token.values)] if declared.takes_all else [declared.read([value]) for value in token.values]
        )
    except FilterTextError as error:
        raise QueryError(f"{error.name}: {error.advice}", token.start, token.end) from error
    unique = tuple(dict.fromkeys(ways))
    if token.is_negative:
        return SearchFilter(none_of=unique)
    return unique[0] if len(unique) == 1 else SearchFilter(any_of=(unique,))


def _filter_of(group: Sequence[_Term]) -> SearchFilter:
    """The filter of a group that OR joins. One of several values is one of several filters."""
    if len(group) == 1:
        return group[0].search_filter
    ways: list[SearchFilter] = []
    for term in group:
        one = term.search_filter
        if len(one.any_of) == 1 and one == SearchFilter(any_of=one.any_of):
            ways += one.any_of[0]
        elif len(one.none_of) > 1:
            raise QueryError(
                "A minus with several values cannot be joined by OR: write a filter for each value",
                term.token.start,
                term.token.end,
            )
        else:
            ways.append(one)
    return SearchFilter(any_of=(tuple(dict.fromkeys(ways)),))


def _chip(group: Sequence[_Term], search_filter: SearchFilter) -> Chip:
    first, last = group[0], group[-1]
    names = {term.name for term in group}
    return Chip(
        text=" ".join(filter_texts(search_filter)),
        name=first.name if len(names) == 1 else None,
        is_negative=len(group) == 1 and first.token.is_negative,
        start=first.token.start,
        end=last.token.end,
    )
