"""Typed words: the words of a query, by which points are found, and where each of them is in a photograph."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Self

from image_pipeline.collection.function_words import FUNCTION_WORDS
from image_pipeline.collection.terms import Part, Token, compatible, tokens
from image_pipeline.collection.words import FIELDS, FILE_NAME, WordVector
from image_pipeline.schema.payload import DIRECTORY

_MOST_WORDS = 64
"""The models read no more words either."""
_PLURAL_WEIGHT = 0.5
_SHORTEST_SINGULAR = 3


@dataclass(frozen=True)
class MatchedWord:
    """A word of a query, as it was typed, or the part of it that was found; and the fields in which it is."""

    word: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class _Typed:
    """A word as it was typed (NFKC), without the signs around it: it is found if all of its tokens are."""

    text: str
    tokens: tuple[Token, ...]

    @property
    def parts(self) -> Iterator[Part]:
        for token in self.tokens:
            yield from token.parts

    def parts_in(self, terms: Collection[str]) -> list[Part]:
        """The parts that a text with these terms has."""
        found: list[Part] = []
        for token in self.tokens:
            if token.whole in terms:
                found += token.parts
            else:
                found += (part for part in token.parts if any(form in terms for form in _forms(part)))
        return found

    def is_in(self, terms: Collection[str], *, is_exact: bool = False) -> bool:
        """Whether a text with these terms has the whole word.

        A run of characters without spaces may be several words: unless `is_exact`, one pair of it is enough.
        """
        return all(
            token.whole in terms
            or (any if token.characters and not is_exact else all)(
                any(form in terms for form in _forms(part)) for part in token.parts
            )
            for token in self.tokens
        )

    def shown(self, found: Sequence[Part]) -> Iterator[str]:
        """The pieces of the text that are made of these parts."""
        numbers = {part: number for number, part in enumerate(self.parts)}
        for _, run in groupby(enumerate(found), key=lambda one: numbers[one[1]] - one[0]):
            pieces = [part for _, part in run]
            yield self.text[pieces[0].start : pieces[-1].end]


@dataclass(frozen=True)
class TypedWords:
    """The words of a query, without function words if there are others; each once, and no more than 64 of them."""

    _words: tuple[_Typed, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """The words of a text, which are separated by spaces."""
        pieces = compatible(text).split()
        contents = [piece for piece in pieces if piece.casefold().strip(".,;:!?") not in FUNCTION_WORDS]
        found: dict[tuple[Token, ...], _Typed] = {}
        for piece in contents or pieces:
            if len(found) == _MOST_WORDS:
                break
            typed = _typed(piece)
            if typed.tokens:
                key = tuple(Token(tuple(Part(part.term, 0, 0) for part in one.parts)) for one in typed.tokens)
                found.setdefault(key, typed)
        return cls(tuple(found.values()))

    @cached_property
    def vector(self) -> WordVector:
        """The sparse vector by which points that have any of the words are found; empty if there are no words.

        The weight of a term is 1; an English plural or singular of a word counts half.
        """
        weights: dict[str, float] = {}
        for word in self._words:
            for token in word.tokens:
                for part in token.parts:
                    exact, *others = _forms(part)
                    weights |= {form: weights.get(form, _PLURAL_WEIGHT) for form in others}
                    weights[exact] = 1.0
                if token.whole is not None:
                    weights[token.whole] = 1.0
        return WordVector.of(weights)

    def found_in(self, payload: Mapping[str, Any]) -> tuple[MatchedWord, ...]:
        """The words that a point with this payload has, in the order of the query, with the fields that have them.

        A word that no field has as a whole is there in part if a field has a part of it.
        """
        terms = {field.name: frozenset(field.terms(payload)) for field in FIELDS}
        matched: dict[str, list[str]] = {}
        for word in self._words:
            whole = [name for name in terms if word.is_in(terms[name], is_exact=True)]
            if whole:
                matched.setdefault(word.text, []).extend(whole)
                continue
            for name in terms:
                for piece in word.shown(word.parts_in(terms[name])):
                    matched.setdefault(piece, []).append(name)
        return tuple(MatchedWord(word, tuple(dict.fromkeys(fields))) for word, fields in matched.items())

    def coverage(self, payload: Mapping[str, Any]) -> float:
        """The share of the words, 0 to 1, that a point with this payload has in one of its fields."""
        if not self._words:
            return 0.0
        terms = [frozenset(field.terms(payload)) for field in FIELDS]
        return sum(any(word.is_in(one) for one in terms) for word in self._words) / len(self._words)

    def name(self, payload: Mapping[str, Any]) -> bool:
        """Whether each of the words is in what names a photograph with this payload: see `WordsField.is_name`."""
        terms = {field.name: frozenset(field.terms(payload)) for field in FIELDS if field.is_name}
        names = [*terms.values(), terms[FILE_NAME] | terms[DIRECTORY.name]]  # a path has both
        return bool(self._words) and all(any(word.is_in(one, is_exact=True) for one in names) for word in self._words)


def _typed(piece: str) -> _Typed:
    found = tuple(tokens(piece))
    if not found:
        return _Typed("", ())
    first, last = found[0].parts[0].start, found[-1].parts[-1].end
    return _Typed(piece[first:last], tuple(tokens(piece[first:last])))


def _forms(part: Part) -> list[str]:
    """The term of a part, and the English plural or singular of a word."""
    term = part.term
    if not part.is_letters or not term.isascii() or len(term) < _SHORTEST_SINGULAR:
        return [term]
    forms = [term]
    if term.endswith("s") and not term.endswith("ss") and len(term) > _SHORTEST_SINGULAR:
        forms.append(term[:-1])
        if term.endswith("es") and len(term) > _SHORTEST_SINGULAR + 1:
            forms.append(term[:-2])
        if term.endswith("ies"):
            forms.append(f"{term[:-3]}y")
        return forms
    if term.endswith(("s", "x", "z", "ch", "sh")):
        return [*forms, f"{term}es"]
    if term.endswith("y"):
        forms.append(f"{term[:-1]}ies")
    return [*forms, f"{term}s"]
