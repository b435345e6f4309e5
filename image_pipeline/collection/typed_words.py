"""Typed words: the words of a query, by which points are found, and where each of them is in a photograph."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, pairwise
from typing import Any, Self

from image_pipeline.collection.function_words import FUNCTION_WORDS
from image_pipeline.collection.terms import Part, Token, compatible, terms_of, tokens
from image_pipeline.collection.words import FIELDS, FILE_NAME, WordsField, WordVector
from image_pipeline.schema.payload import DIRECTORY

_MOST_WORDS = 64
"""The models read no more words either."""
_PLURAL_WEIGHT = 0.5
_SHORTEST_SINGULAR = 3
_PATH = (FILE_NAME, DIRECTORY.name)
_SIGNS = ".,;:!?()\"'"


@dataclass(frozen=True)
class MatchedWord:
    """A word of a query, as it was typed, or the part of it that was found; and the fields in which it is."""

    word: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """How much of a query the words of a photograph have.

    `share` is the share, 0 to 1, of its words and of its pairs of neighbouring words: of "red circle", a photograph of
    a red square and a blue circle has two thirds. `is_named` if every word is in what names the photograph, `has_name`
    if one is, apart from the names of files and directories, which are often alike: IMG. `is_complete` if every word is
    in any of its texts.
    """

    share: float = 0.0
    is_named: bool = False
    has_name: bool = False
    is_complete: bool = False


@dataclass(frozen=True)
class _Piece:
    """A token of a typed word, and for each of its parts, the terms that it stands for."""

    token: Token
    forms: tuple[frozenset[str], ...]

    def parts_in(self, terms: Set[str]) -> list[Part]:
        """The parts that a text with these terms has."""
        if self.token.whole in terms:
            return list(self.token.parts)
        pairs = zip(self.token.parts, self.forms, strict=True)
        return [part for part, forms in pairs if not forms.isdisjoint(terms)]

    def is_in(self, terms: Set[str], *, is_exact: bool) -> bool:
        """Whether a text with these terms has it: of a run without spaces, a pair, unless `is_exact`."""
        if self.token.whole in terms:
            return True
        if self.token.characters and not is_exact:
            return any(not forms.isdisjoint(terms) for forms in self.forms)
        return not any(forms.isdisjoint(terms) for forms in self.forms)


@dataclass(frozen=True)
class _Typed:
    """A word as it was typed (NFKC), without the signs around it: it is found if all of its tokens are."""

    text: str
    pieces: tuple[_Piece, ...]

    @classmethod
    def of(cls, text: str) -> Self | None:
        """The word; None if it consists of signs."""
        found = list(tokens(text))
        if not found:
            return None
        first, last = found[0].parts[0].start, found[-1].parts[-1].end
        pieces = (_Piece(one, tuple(map(_forms, one.parts))) for one in tokens(text[first:last]))
        return cls(text[first:last], tuple(pieces))

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of its parts, in order."""
        return tuple(part.term for piece in self.pieces for part in piece.token.parts)

    @property
    def all_terms(self) -> Iterator[str]:
        """The terms of which a text that has the word has at least one."""
        for piece in self.pieces:
            yield from chain.from_iterable(piece.forms)
            if piece.token.whole is not None:
                yield piece.token.whole

    @cached_property
    def has_one_part(self) -> bool:
        """Whether it is a single term."""
        return len(self.pieces) == 1 and len(self.pieces[0].forms) == 1

    @property
    def first(self) -> frozenset[str]:
        """The terms with which a text goes on if this word follows."""
        return self.pieces[0].forms[0]

    @property
    def last(self) -> frozenset[str]:
        """The terms with which a text ends if it ends with this word."""
        whole = self.pieces[-1].token.whole
        return self.pieces[-1].forms[-1] | ({whole} if whole is not None else set())

    def is_in(self, terms: Set[str], *, is_exact: bool = True) -> bool:
        """Whether a text with these terms has the whole word."""
        if self.has_one_part:
            return not self.pieces[0].forms[0].isdisjoint(terms)
        return all(piece.is_in(terms, is_exact=is_exact) for piece in self.pieces)

    def shown(self, terms: Set[str]) -> Iterator[str]:
        """The longest pieces of the word that a text with these terms has."""
        numbers = {part: number for number, part in enumerate(p for one in self.pieces for p in one.token.parts)}
        found = [part for piece in self.pieces for part in piece.parts_in(terms)]
        for _, run in groupby(enumerate(found), key=lambda one: numbers[one[1]] - one[0]):
            parts = [part for _, part in run]
            yield self.text[parts[0].start : parts[-1].end]


class _Terms:
    """The terms of some fields of a photograph."""

    def __init__(self, texts: Sequence[tuple[WordsField, Sequence[str]]]) -> None:
        self._texts = texts
        self._all: frozenset[str] = frozenset().union(*(terms for _, terms in texts))

    def have(self, word: _Typed, *, is_exact: bool) -> bool:
        """Whether one of the fields has the whole word: of a path, the directory and the file name together."""
        if not word.is_in(self._all, is_exact=is_exact):
            return False
        if word.has_one_part or any(word.is_in(frozenset(terms), is_exact=is_exact) for _, terms in self._texts):
            return True
        if "/" not in word.text:
            return False
        path = (terms for field, terms in self._texts if field.name in _PATH)
        return word.is_in(frozenset(chain.from_iterable(path)), is_exact=is_exact)


class TypedWords:
    """The words of a query, without function words if there are others; each once, and no more than 64 of them."""

    def __init__(self, text: str) -> None:
        typed = compatible(text).split()
        contents = [word for word in typed if word.casefold().strip(_SIGNS) not in FUNCTION_WORDS]
        words: dict[tuple[str, ...], _Typed] = {}
        for word in map(_Typed.of, contents or typed):
            if word is not None and len(words) < _MOST_WORDS:
                words.setdefault(word.terms, word)
        self._words = tuple(words.values())
        self._pairs = tuple((one.last, other.first) for one, other in pairwise(self._words))
        self._ends = frozenset[str]().union(*(ends for pair in self._pairs for ends in pair))
        self._forms = frozenset(term for word in self._words for term in word.all_terms)
        self.vector = self._vector()

    def whole_in(self, text: str) -> frozenset[int]:
        """The numbers, in the query, of the words that a text has as a whole."""
        terms = frozenset(terms_of(text))
        if self._forms.isdisjoint(terms):
            return frozenset()
        return frozenset(number for number, word in enumerate(self._words) if word.is_in(terms))

    def found_in(self, payload: Mapping[str, Any]) -> tuple[MatchedWord, ...]:
        """The words that a point with this payload has, in the order of the query, with the fields that have them.

        A word that no field has as a whole is there in part if a field has a part of it.
        """
        terms = {field.name: frozenset(found) for field, found in self._texts(payload)}
        matched: dict[str, list[str]] = {}
        for word in self._words:
            whole = [name for name in terms if word.is_in(terms[name])]
            if whole:
                matched.setdefault(word.text, []).extend(whole)
                continue
            for name in terms:
                for piece in word.shown(terms[name]):
                    matched.setdefault(piece, []).append(name)
        return tuple(MatchedWord(word, tuple(dict.fromkeys(fields))) for word, fields in matched.items())

    def evidence(self, payload: Mapping[str, Any]) -> Evidence:
        """How much of the query a point with this payload has."""
        texts = self._texts(payload)
        if not texts:
            return Evidence()
        everything = _Terms(texts)
        found = sum(everything.have(word, is_exact=False) for word in self._words)
        if not found:
            return Evidence()
        pairs = self._pairs_in(terms for _, terms in texts) if found > 1 else 0
        is_complete = found == len(self._words) and all(everything.have(word, is_exact=True) for word in self._words)
        names = [(field, terms) for field, terms in texts if field.is_name]
        is_named = is_complete and all(_Terms(names).have(word, is_exact=True) for word in self._words)
        said = _Terms([(field, terms) for field, terms in names if field.name not in _PATH])
        has_name = is_named or any(said.have(word, is_exact=True) for word in self._words)
        return Evidence((found + pairs) / (len(self._words) + len(self._pairs)), is_named, has_name, is_complete)

    def _texts(self, payload: Mapping[str, Any]) -> list[tuple[WordsField, tuple[str, ...]]]:
        """The fields of a point with this payload that have a term of the query, with all their terms."""
        has_none = self._forms.isdisjoint
        return [(field, terms) for field in FIELDS if not has_none(terms := field.terms(payload))]

    def _pairs_in(self, texts: Iterable[Sequence[str]]) -> int:
        """The number of neighbouring words of the query that are neighbours in one of these texts, too."""
        neighbours: set[tuple[str, str]] = set()
        for terms in texts:
            if len(self._ends.intersection(terms)) < 2:
                continue
            neighbours.update(pairwise(term for term in terms if term not in FUNCTION_WORDS))
        return sum(any((one, next_) in neighbours for one in last for next_ in first) for last, first in self._pairs)

    def _vector(self) -> WordVector:
        """The sparse vector by which points that have any of the words are found; empty if there are no words.

        The weight of a term is 1; an English plural or singular of a word counts half.
        """
        weights: dict[str, float] = {}
        for piece in (piece for word in self._words for piece in word.pieces):
            for forms in piece.forms:
                weights = dict.fromkeys(forms, _PLURAL_WEIGHT) | weights
            weights |= {part.term: 1.0 for part in piece.token.parts}
            if piece.token.whole is not None:
                weights[piece.token.whole] = 1.0
        return WordVector.of(weights)


def _forms(part: Part) -> frozenset[str]:
    """The term of a part, and the English plural or singular of a word."""
    term = part.term
    if not part.is_letters or not term.isascii() or len(term) < _SHORTEST_SINGULAR:
        return frozenset((term,))
    if term.endswith("s") and not term.endswith("ss") and len(term) > _SHORTEST_SINGULAR:
        singulars = [term[:-1]]
        if term.endswith("es") and len(term) > _SHORTEST_SINGULAR + 1:
            singulars.append(term[:-2])
        if term.endswith("ies"):
            singulars.append(f"{term[:-3]}y")
        return frozenset((term, *singulars))
    if term.endswith(("s", "x", "z", "ch", "sh")):
        return frozenset((term, f"{term}es"))
    return frozenset((term, f"{term}s", *([f"{term[:-1]}ies"] if term.endswith("y") else [])))
