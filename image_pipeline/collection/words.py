"""The words of photographs: the sparse vector by which a point is found by words, the same for every kind of Qdrant.

The vector is made here, from the payload, and not by Qdrant: so all engines have the same terms, which stay the same
when Qdrant changes. A change of the terms or the weights needs a new layout of the collection.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from image_pipeline.collection.terms import terms_of
from image_pipeline.schema.payload import (
    CAPTION,
    CITY,
    COUNTRY,
    DESCRIPTION,
    DIRECTORY,
    KEYWORDS,
    PATH,
    PEOPLE,
    STATE,
    TITLE,
    PayloadField,
)

VECTOR = "words"
"""The name of the sparse vector of a point."""

FILE_NAME = "file_name"
_K, _B = 1.2, 0.75
_NAME_WEIGHT = 3.0
"""So high that a word in a name outweighs the same word in all of the prose, however often it is there."""


@dataclass(frozen=True)
class WordsField:
    """A field of a photograph's words.

    `usual_length` is the number of terms of a usual prose text, which may say less of each word the longer it is. Names
    have none: a photograph with many keywords has each of them. `read` returns the part of the source that the field
    is; None: all of it.
    """

    name: str
    source: PayloadField
    usual_length: int | None = None
    read: Callable[[str], str] | None = None

    @property
    def is_name(self) -> bool:
        """Whether it names the photograph, or what is in it."""
        return self.usual_length is None

    def terms(self, payload: Mapping[str, Any]) -> tuple[str, ...]:
        """The terms of the field, as often as they are in it."""
        value = payload.get(self.source.name)
        if not value:
            return ()
        if isinstance(value, list):
            return tuple(chain.from_iterable(map(terms_of, value)))
        return terms_of(value if self.read is None else self.read(value))


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]


FIELDS = (
    WordsField(PEOPLE.name, PEOPLE),
    WordsField(TITLE.name, TITLE),
    WordsField(KEYWORDS.name, KEYWORDS),
    WordsField(CITY.name, CITY),
    WordsField(STATE.name, STATE),
    WordsField(COUNTRY.name, COUNTRY),
    WordsField(FILE_NAME, PATH, read=_file_name),
    WordsField(DIRECTORY.name, DIRECTORY),
    WordsField(CAPTION.name, CAPTION, usual_length=10),
    WordsField(DESCRIPTION.name, DESCRIPTION, usual_length=20),
)
"""The fields of a photograph's words, those that say most first."""


@dataclass(frozen=True)
class WordVector:
    """A sparse vector: the number of each term (32 bits), and its weight. No number occurs twice."""

    indices: tuple[int, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> "WordVector":
        """The vector of weighted terms; if two terms have the same number, the higher weight."""
        number_of = zlib.crc32
        numbered = {number_of(term.encode()): weight for term, weight in weights.items()}
        if len(numbered) < len(weights):
            for term, weight in weights.items():
                number = number_of(term.encode())
                numbered[number] = max(weight, numbered[number])
        return cls(tuple(numbered), tuple(numbered.values()))


def words_of(payload: Mapping[str, Any]) -> WordVector:
    """The words of a point with this payload, weighted by BM25F.

    The score of a point is the sum, over the terms of a query, of these weights times the inverse document frequency,
    by which Qdrant multiplies them (its modifier IDF). The formula is that of Robertson, Zaragoza and Taylor, "Simple
    BM25 Extension to Multiple Weighted Fields" (CIKM 2004): the frequencies of a term in all fields are added up with
    the weights of the fields, and the sum f counts as f (k + 1) / (f + k). In a name, a term counts once; in prose,
    frequencies are divided by 1 - b + b · length / usual length, as by Zaragoza et al. (TREC 2004).
    """
    frequencies: dict[str, float] = {}
    for field in FIELDS:
        terms = field.terms(payload)
        if field.usual_length is None:
            for term in set(terms):
                frequencies[term] = frequencies.get(term, 0.0) + _NAME_WEIGHT
        elif terms:
            weight = 1 / (1 - _B + _B * len(terms) / field.usual_length)
            for term in terms:
                frequencies[term] = frequencies.get(term, 0.0) + weight
    return WordVector.of({term: found * (_K + 1) / (found + _K) for term, found in frequencies.items()})
