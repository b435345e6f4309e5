"""The engine interface: the few operations on collections and points that every kind of Qdrant offers.

Everything else in this room is written once, on top of it. Its signatures name no type of any Qdrant client.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from image_pipeline.collection.points import Point, PointId
from image_pipeline.collection.where import Where
from image_pipeline.collection.words import WordVector
from image_pipeline.schema.column import Index

ROUNDING = 1e-3
"""How far vectors of 32 or 16 bits may be from those that were written: Qdrant normalises them again."""


@dataclass(frozen=True)
class Description:
    """A collection: the size of its vectors, its metadata, and whether its points are found by words.

    `dimension` is None if the collection has dense vectors of several kinds, which the pipeline never makes. A
    collection of an older release has no words.
    """

    dimension: int | None
    metadata: Mapping[str, str]
    has_words: bool = False


@dataclass(frozen=True)
class HeldPoint:
    """A point as an engine returns it: the fields that were asked for, and its vector (float32 `[d]`) if asked for.

    `score` is the cosine similarity to the vector of the query, or how well its words match; 0 if there was neither.
    """

    id: PointId
    payload: Mapping[str, Any] = field(default_factory=dict)
    vector: np.ndarray | None = None
    score: float = 0.0


class Engine(ABC):
    """An open connection to Qdrant.

    A method that is given the name of a collection that does not exist raises an error of the engine's own, except for
    `exists`. Writes are in effect when the method returns, and outlast a kill of this process; those of an embedded
    engine also outlast a power cut.
    """

    @abstractmethod
    def names(self) -> list[str]:
        """The names of all collections, whoever made them."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is a collection of this name."""

    @abstractmethod
    def describe(self, name: str) -> Description:
        """The description of a collection."""

    @abstractmethod
    def indexed(self, name: str) -> frozenset[str]:
        """The fields of the payload that have an index."""

    def damage(self, name: str) -> str | None:
        """What is wrong with the files of a collection, apart from its payloads and vectors; None if nothing is.

        Also None for a server, which looks after its files itself. Damage of payloads and vectors is found by reading
        them: `page` raises DamagedVersionError, or they are not what was written.
        """
        return None

    @abstractmethod
    def create(self, name: str, dimension: int, metadata: Mapping[str, str]) -> None:
        """Create a collection for vectors of `dimension` numbers, compared by cosine, and for the words of points."""

    @abstractmethod
    def create_indexes(self, name: str, indexes: Mapping[str, Index]) -> None:
        """Index fields of the payload, for the points that are there and for those that follow."""

    def tidy(self, name: str) -> None:  # noqa: B027
        """Reorganise the files of a collection if it is worth it, after many changes. Its points stay the same.

        It can be used meanwhile. Nothing to do for a server, which looks after its files itself.
        """

    def rounding(self, name: str) -> float:
        """How far a vector of unit length that is read may be from the one that was written (Euclidean distance)."""
        return ROUNDING

    @abstractmethod
    def drop(self, name: str) -> None:
        """Delete a collection with its points."""

    @abstractmethod
    def set_metadata(self, name: str, key: str, value: str) -> None:
        """Set one entry of a collection's metadata; the others stay."""

    @abstractmethod
    def aliases(self) -> dict[str, str]:
        """All aliases, and the collection that each points to."""

    @abstractmethod
    def set_alias(self, alias: str, name: str | None) -> None:
        """Point an alias to a collection in one step, or delete it (None)."""

    @abstractmethod
    def count(self, name: str, where: Where) -> int:
        """The exact number of points that match."""

    @abstractmethod
    def facet(self, name: str, field: str, where: Where, limit: int) -> dict[str | int, int]:
        """The most frequent values of a field of texts or whole numbers, and the exact number of points of each.

        Only points that match count. The field needs an index.
        """

    @abstractmethod
    def page(
        self,
        name: str,
        where: Where,
        limit: int,
        after: PointId | None,
        fields: Sequence[str] | None,
        with_vectors: bool,
    ) -> tuple[list[HeldPoint], PointId | None]:
        """Up to `limit` points that match, in the order of their ids, and where the next page begins (None: nowhere).

        `fields` are the fields of the payload to return, all of them if it is None.
        """

    @abstractmethod
    def read(self, name: str, ids: Sequence[PointId], fields: Sequence[str] | None) -> list[HeldPoint]:
        """The points with these ids, in any order; those that do not exist are left out. `fields` as for `page`."""

    @abstractmethod
    def nearest(
        self, name: str, vector: Sequence[float], limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The `limit` matching points nearest to `vector` (`[d]`), best first. Exact for an embedded engine."""

    @abstractmethod
    def matching(
        self, name: str, words: WordVector, limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The `limit` matching points whose words match best, best first; those without any of `words` are left out.

        The score is the sum, over the terms of `words`, of their weight there, their weight in the point, and their
        inverse document frequency, ln(1 + (N - n + 0.5) / (n + 0.5)): n of N points have the term. A server may count
        deleted points until it has tidied up. An empty list if the collection has no words.
        """

    @abstractmethod
    def nearest_matching(
        self,
        name: str,
        vector: Sequence[float],
        words: WordVector,
        most: int,
        limit: int,
        where: Where,
        fields: Sequence[str],
    ) -> list[HeldPoint]:
        """The `limit` points nearest to `vector` among the first `most` that `matching` returns, best first."""

    @abstractmethod
    def in_order(
        self, name: str, field: str, is_descending: bool, limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The first `limit` matching points in the order of a field of times, which needs an index.

        Points without a value are left out; those with the same value are in any order.
        """

    @abstractmethod
    def some_of_each(
        self, name: str, wheres: Sequence[Where], limit: int, fields: Sequence[str]
    ) -> list[list[HeldPoint]]:
        """For each of `wheres`, up to `limit` points that match, in any order."""

    @abstractmethod
    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points, each with the words of its payload; one of the same id is replaced as a whole."""

    @abstractmethod
    def delete(self, name: str, where: Where) -> None:
        """Delete the points that match."""

    @abstractmethod
    def set_payload(self, name: str, where: Where, values: Mapping[str, Any]) -> None:
        """Set fields of the payload of the points that match; their other fields stay."""
