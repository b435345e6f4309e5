"""The points of one version of the collection: read, searched, written and deleted."""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from image_pipeline.collection.conditions import conditions_of
from image_pipeline.collection.dated import DatePosition, page_by_date
from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.facets import Facets, facet
from image_pipeline.collection.fusion import fused
from image_pipeline.collection.groups import Groups
from image_pipeline.collection.hits import Hit, Sort
from image_pipeline.collection.lookups import Unmatched, unmatched
from image_pipeline.collection.photographs import other_than
from image_pipeline.collection.points import Point, PointId, PointRecord, payload_digest, point_id
from image_pipeline.collection.query import in_order_of_date, nearest
from image_pipeline.collection.replaced import reading
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.typed_words import TypedWords
from image_pipeline.collection.where import ANYWHERE, Condition, Ids, OneOf, Where
from image_pipeline.schema.payload import DIGEST, PARTITION, PATH, PIXELS, SHA256, PayloadField

UPSERT_BATCH = 256
SCROLL_PAGE = 2048  # the embedded Qdrant scans all of its points for each page


class VersionPoints:
    """The points of the version `name`, through an open engine."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self.name = engine, name

    def reading(self) -> AbstractContextManager[None]:
        """Raises VersionReplacedError for any error in the block if Qdrant no longer has this version."""
        return reading(self._engine, self.name)

    @property
    def rounding(self) -> float:
        """How far a vector that is read may be from the one that was written (Euclidean distance)."""
        return self._engine.rounding(self.name)

    def count(self) -> int:
        """The exact number of all points."""
        return self._engine.count(self.name, ANYWHERE)

    def counts(self, partition_keys: Sequence[str]) -> dict[str, int]:
        """The exact number of points in each of these partitions."""
        where = _in_partitions(partition_keys)
        found = self._engine.facet(self.name, PARTITION.name, where, len(partition_keys))
        return {key: found.get(key, 0) for key in partition_keys}

    def partition_keys(self) -> list[str]:
        """The partitions that have points here."""
        return [str(key) for key in facet(self._engine, self.name, PARTITION, [])]

    def digests(self, partition_keys: Sequence[str]) -> dict[str, dict[str, str]]:
        """The points of partitions: for each key, id → digest of the payload."""
        found: dict[str, dict[str, str]] = {key: {} for key in partition_keys}
        if found:
            fields = [PARTITION.name, DIGEST.name]
            for held in self._held(_in_partitions(partition_keys), fields):
                found[held.payload[PARTITION.name]][str(held.id)] = str(held.payload.get(DIGEST.name))
        return found

    def scroll(self, partition_keys: Sequence[str]) -> Iterator[PointRecord]:
        """The points whose payload names one of these partitions, with the digest of their payload and their vector."""
        for held in self._held(_in_partitions(partition_keys), None, with_vectors=True):
            digest = payload_digest(held.payload)
            yield PointRecord(
                held.id,
                _text(held.payload, PATH.name),
                _text(held.payload, PARTITION.name),
                digest if held.payload.get(DIGEST.name) == digest else None,
                held.vector,
            )

    def stray_points(self, partition_keys: Container[str | None]) -> Iterator[PointRecord]:
        """The points whose payload names none of these partitions."""
        for held in self._held(ANYWHERE, [PATH.name, PARTITION.name]):
            key = _text(held.payload, PARTITION.name)
            if key not in partition_keys:
                yield PointRecord(held.id, _text(held.payload, PATH.name), key)

    def payload(self, path: str) -> Mapping[str, Any] | None:
        """The payload of the point of a file; None if it has none.

        Raises VersionReplacedError if the version no longer exists.
        """
        with self.reading():
            points = self._engine.read(self.name, [point_id(path)], None)
        return next((held.payload for held in points), None)

    def payload_of_id(self, id_: PointId) -> Mapping[str, Any] | None:
        """The payload of the point with this id; None if there is none. Raises as `payload` does."""
        with self.reading():
            points = self._engine.read(self.name, [id_], None)
        return next((held.payload for held in points), None)

    def payloads(self) -> Iterator[Mapping[str, Any]]:
        """The payloads of all points, in no particular order. Raises as `payload` does."""
        with self.reading():
            for held in self._held(ANYWHERE, None):
                yield held.payload

    def same_picture(self, sha256: str | None, pixels: str | None) -> Iterator[Mapping[str, Any]]:
        """The `path` and `sha256` of all points with this content or these pixels. Raises as `payload` does."""
        given = ((SHA256, sha256), (PIXELS, pixels))
        wanted = [OneOf(field.name, [value]) for field, value in given if value is not None]
        if not wanted:
            return
        with self.reading():
            fields = [PATH.name, SHA256.name]
            for held in self._held(Where(should=wanted), fields):
                yield held.payload

    def sample(self, count: int) -> np.ndarray:
        """The vectors of up to `count` random points, float32 `[n, d]`, of unit length; `[0, 0]` if there are none.

        The ids are hashes of paths, so the first points in the order of ids are a random choice. It is the same for
        each call as long as the points stay the same. Raises as `payload` does.
        """
        with self.reading():
            points, _ = self._engine.page(self.name, ANYWHERE, count, None, [PATH.name], with_vectors=True)
        vectors = [held.vector for held in points if held.vector is not None]
        return np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    def nearest(
        self,
        vector: Sequence[float],
        limit: int,
        search_filter: SearchFilter | None = None,
        shown: Collection[str] = (),
    ) -> list[Hit]:
        """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

        Those with `shown` sha256 or pixels are left out.

        This version is the one whose model made the vector: by now, the alias may point to a version of a different
        model. Raises VersionReplacedError if it no longer exists.
        """
        asked = search_filter or SearchFilter()
        with self.reading():
            conditions = self._conditions(asked)
            if conditions is None:
                return []
            return nearest(self._engine, self.name, vector, limit, [*conditions, *other_than(shown)])

    def fused(
        self,
        vector: Sequence[float],
        words: str,
        limit: int,
        search_filter: SearchFilter | None = None,
        cut: float | None = None,
        phrases: Sequence[str] = (),
        shown: Collection[str] = (),
    ) -> list[Hit]:
        """The `limit` best photographs for `words` and for their embedding, `vector`: see `fusion.fused`.

        They have all `phrases`. Those with `shown` sha256 or pixels are left out. If this version has no words, they
        are found by the vector alone. Raises as `nearest` does.
        """
        asked = search_filter or SearchFilter()
        with self.reading():
            conditions = self._conditions(asked)
            if conditions is None:
                return []
            typed, said = TypedWords(words), [TypedWords(phrase) for phrase in phrases]
            where = [*conditions, *other_than(shown)]
            return fused(self._engine, self.name, vector, typed, limit, where, cut, said)

    def in_order_of_date(self, sort: Sort, limit: int, search_filter: SearchFilter | None = None) -> list[Hit]:
        """The `limit` newest or oldest photographs by the photographer's clock, those without a date last.

        Copies count once. Raises VersionReplacedError if this version no longer exists.
        """
        asked = search_filter or SearchFilter()
        with self.reading():
            conditions = self._conditions(asked)
            if conditions is None:
                return []
            return in_order_of_date(self._engine, self.name, limit, sort, conditions)

    def page_by_date(
        self, sort: Sort, limit: int, search_filter: SearchFilter, after: DatePosition | None
    ) -> tuple[list[Hit], DatePosition | None]:
        """A page of photographs by date, and where it ends: see `dated.page_by_date`. Raises as the method above."""
        with self.reading():
            conditions = self._conditions(search_filter)
            if conditions is None:
                return [], None
            return page_by_date(self._engine, self.name, sort, limit, conditions, after)

    def count_matching(self, search_filter: SearchFilter) -> int:
        """The exact number of files that the filter lets through. Raises as `facet` does."""
        with self.reading():
            conditions = self._conditions(search_filter)
            return 0 if conditions is None else self._engine.count(self.name, Where(must=conditions))

    def examples(self, ids: Collection[str]) -> dict[str, HeldPoint]:
        """The points with these ids, by id, with vector, path, sha256 and pixels; those that do not exist are missing.

        Raises VersionReplacedError if this version no longer exists.
        """
        fields = [PATH.name, SHA256.name, PIXELS.name]
        with self.reading():
            points, _ = self._engine.page(self.name, Where(must=[Ids(list(ids))]), len(ids), None, fields, True)
        return {str(point.id): point for point in points}

    def facet(self, field: PayloadField, search_filter: SearchFilter | None = None) -> dict[str | int, int]:
        """The distinct values of a field, with the number of points that have each; the most frequent first.

        At most `MOST_VALUES` of them. Raises VersionReplacedError if this version no longer exists, CollectionError if
        an older release made it, without an index of this field.
        """
        asked = search_filter or SearchFilter()
        with self.reading():
            conditions = self._conditions(asked)
            if conditions is None:
                return {}
            return facet(self._engine, self.name, field, conditions)

    def groups(self, search_filter: SearchFilter | None = None) -> Groups:
        """The groups of points that have the same value of a field, among those that the filter lets through.

        Raises VersionReplacedError if this version no longer exists, and its methods raise the errors of `facet`.
        """
        with self.reading():
            return Groups(self._engine, self.name, self._conditions(search_filter or SearchFilter()) or [])

    def unmatched(self, search_filter: SearchFilter) -> list[Unmatched]:
        """The texts of a filter that no photograph matches, with values that exist. Raises as `facet` does."""
        with self.reading():
            return unmatched(search_filter, Facets(self._engine, self.name))

    def _conditions(self, search_filter: SearchFilter) -> list[Condition] | None:
        return conditions_of(search_filter, Facets(self._engine, self.name))

    def upsert(self, points: Sequence[Point]) -> Iterator[int]:
        """Write points in batches; yields the number of points in each batch."""
        for start in range(0, len(points), UPSERT_BATCH):
            batch = points[start : start + UPSERT_BATCH]
            self._engine.upsert(self.name, batch)
            yield len(batch)

    def delete(self, partition_key: str, ids: Sequence[str]) -> None:
        """Delete points of a partition by id; points that have moved to another partition meanwhile stay."""
        for batch in _pages(ids):
            self._engine.delete(self.name, Where(must=[*_in_partitions([partition_key]).must, Ids(batch)]))

    def delete_points(self, ids: Sequence[PointId]) -> None:
        """Delete points by id."""
        for batch in _pages(ids):
            self._engine.delete(self.name, Where(must=[Ids(batch)]))

    def delete_partition(self, partition_key: str) -> None:
        """Delete the points of a partition."""
        self._engine.delete(self.name, _in_partitions([partition_key]))

    def count_partition(self, partition_key: str) -> int:
        """The exact number of points in a partition."""
        return self._engine.count(self.name, _in_partitions([partition_key]))

    def mark_outdated(self, ids: Sequence[PointId]) -> None:
        """Mark points as out of date, so that the next run of their partition writes them again.

        Points that no longer exist are left out: a run may have deleted them meanwhile.
        """
        for batch in _pages(ids):
            self._engine.set_payload(self.name, Where(must=[Ids(batch)]), {DIGEST.name: ""})

    def _held(self, where: Where, fields: Sequence[str] | None, with_vectors: bool = False) -> Iterator[HeldPoint]:
        after = None
        while True:
            points, after = self._engine.page(self.name, where, SCROLL_PAGE, after, fields, with_vectors)
            yield from points
            if after is None:
                return


def _pages(ids: Sequence[PointId]) -> Iterator[list[Any]]:
    return (list(ids[start : start + SCROLL_PAGE]) for start in range(0, len(ids), SCROLL_PAGE))


def _in_partitions(partition_keys: Sequence[str]) -> Where:
    return Where(must=[OneOf(PARTITION.name, partition_keys)])


def _text(payload: Mapping[str, Any], name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) else None
