"""Named values: the people and places that a query names, as values of the fields that say who and where."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from image_pipeline.collection.lookups import Counts
from image_pipeline.collection.typed_words import TypedWords
from image_pipeline.collection.where import Condition, OneOf
from image_pipeline.schema.payload import CITY, COUNTRY, PEOPLE, STATE, PayloadField

_FIELDS = (PEOPLE, CITY, STATE, COUNTRY)
"""Not the title and the keywords: these often say what a picture shows, as its vector does."""


@dataclass(frozen=True)
class NamedValues:
    """For the fields that have some, the values with words of the query, as many as any value has.

    Of the values of a field, those are left out that have only some of the words of another one: `Anna Berg` does not
    name Anna Kern if there is an Anna Berg.
    """

    values: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, words: TypedWords, counts_of: Callable[[PayloadField], Counts]) -> Self:
        """Those of `words`. `counts_of` returns the values of a field; a value that it leaves out is not found."""
        named = ((field.name, _named(words, counts_of(field))) for field in _FIELDS)
        return cls({name: values for name, values in named if values})

    @property
    def conditions(self) -> list[Condition]:
        """The conditions of which a point with one of the values meets at least one; none if there are no values."""
        return [OneOf(name, sorted(values)) for name, values in self.values.items()]

    def are_in(self, payload: Mapping[str, Any]) -> bool:
        """Whether a point with this payload has one of them."""
        return any(not values.isdisjoint(_texts(payload.get(name))) for name, values in self.values.items())


def _named(words: TypedWords, values: Iterable[str]) -> frozenset[str]:
    having = {value: found for value in values if (found := words.whole_in(value))}
    kinds = set(having.values())
    return frozenset(value for value, found in having.items() if not any(found < other for other in kinds))


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
