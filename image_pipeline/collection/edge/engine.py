"""The engine on Qdrant Edge: each operation is part of a turn of this process."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import qdrant_edge as qe

from image_pipeline.collection.damaged import DamagedVersionError
from image_pipeline.collection.edge.catalog import Entry
from image_pipeline.collection.edge.compaction import Compaction
from image_pipeline.collection.edge.filters import filter_of
from image_pipeline.collection.edge.opened import Opened
from image_pipeline.collection.edge.points import DENSE, held_point, id_of, sparse_of, structure_of, vector_of
from image_pipeline.collection.edge.shards import EdgeError, edge_errors, index_params
from image_pipeline.collection.edge.turns import Turns
from image_pipeline.collection.engine import ROUNDING, Description, Engine, HeldPoint
from image_pipeline.collection.points import Point, PointId
from image_pipeline.collection.where import Where
from image_pipeline.collection.words import VECTOR, WordVector
from image_pipeline.schema.column import Index

_EXACT = qe.SearchParams(exact=True)
TURBO_ROUNDING = 0.02
"""As `ROUNDING`, for Turbo8: 0.012 was the most in measurements with 4 to 1,152 numbers."""


class EdgeEngine(Engine):
    """An engine on the files of an embedded Qdrant, which other processes may use between two operations.

    Each method raises as `Turns.use` and `Opened` do, and EdgeError if Qdrant Edge refuses.
    """

    def __init__(self, turns: Turns[Opened], compaction: Compaction | None = None) -> None:
        self._turns, self._compaction = turns, compaction

    def names(self) -> list[str]:
        """The names of all collections."""
        with self._turns.use() as opened:
            return sorted(opened.catalog.collections)

    def exists(self, name: str) -> bool:
        """Whether there is a collection of this name."""
        with self._turns.use() as opened:
            return name in opened.catalog.collections

    def describe(self, name: str) -> Description:
        """The description of a collection."""
        with self._turns.use() as opened:
            entry = opened.entry(name)
            try:
                has_words = opened.has_words(name)
            except DamagedVersionError:  # the catalogue describes it all the same
                has_words = False
            return Description(entry.dimension, entry.metadata, has_words)

    def indexed(self, name: str) -> frozenset[str]:
        """The fields that have an index."""
        with self._turns.use() as opened, edge_errors():
            return frozenset(opened.shard(name).info().payload_schema)

    def damage(self, name: str) -> str | None:
        """What is wrong with the files of a collection."""
        with self._turns.use() as opened:
            return opened.damage(name)

    def create(self, name: str, dimension: int, metadata: Mapping[str, str]) -> None:
        """Create a collection."""
        with self._turns.use() as opened:
            opened.create(name, dimension, dict(metadata))

    def create_indexes(self, name: str, indexes: Mapping[str, Index]) -> None:
        """Index fields of the payload."""
        creations = [
            qe.UpdateOperation.create_field_index(field, index_params(index)) for field, index in indexes.items()
        ]
        with self._turns.use() as opened:
            opened.update(name, creations)

    def tidy(self, name: str) -> None:
        """Compact the shard of a collection if it is worth it."""
        if self._compaction is not None and isinstance(self._turns, Turns):
            self._compaction.run(self._turns, name)

    def rounding(self, name: str) -> float:
        """How far vectors that are read may be from those that were written."""
        with self._turns.use() as opened:
            return TURBO_ROUNDING if opened.is_turbo(name) else ROUNDING

    def drop(self, name: str) -> None:
        """Delete a collection."""
        with self._turns.use() as opened:
            opened.drop(name)

    def set_metadata(self, name: str, key: str, value: str) -> None:
        """Set one entry of a collection's metadata."""
        with self._turns.use() as opened:
            entry = opened.entry(name)
            changed = Entry(entry.folder, entry.dimension, {**entry.metadata, key: value})
            opened.write(opened.catalog.having(name, changed))

    def aliases(self) -> dict[str, str]:
        """All aliases."""
        with self._turns.use() as opened:
            return dict(opened.catalog.aliases)

    def set_alias(self, alias: str, name: str | None) -> None:
        """Point an alias to a collection, or delete it."""
        with self._turns.use() as opened:
            if name is not None:
                opened.entry(name)
            opened.write(opened.catalog.pointing(alias, name))

    def note_taken(self, stamp: str) -> None:
        """Note the stamp of the former embedded Qdrant that has been taken over."""
        with self._turns.use() as opened:
            opened.write(replace(opened.catalog, taken=stamp))

    def count(self, name: str, where: Where) -> int:
        """The exact number of points that match."""
        with self._turns.use() as opened, edge_errors():
            return opened.shard(name).count(qe.CountRequest(exact=True, filter=_filter_of(where)))

    def facet(self, name: str, field: str, where: Where, limit: int) -> dict[str | int, int]:
        """The most frequent values of a field.

        Qdrant Edge calls these counts approximate, since a point that is being moved may be in two segments. It never
        is: no other thread or process writes. They are the same as the exact ones, which take 50 times as long.
        """
        request = qe.FacetRequest(field, limit=limit, exact=False, filter=_filter_of(where))
        with self._turns.use() as opened, edge_errors():
            shard = opened.shard(name)
            found = {hit.value: hit.count for hit in shard.facet(request).hits}
            if not found and field not in shard.info().payload_schema:
                raise EdgeError(f"{name!r} has no index of {field!r}")  # Edge itself answers that there are no values
        return found

    def page(
        self,
        name: str,
        where: Where,
        limit: int,
        after: PointId | None,
        fields: Sequence[str] | None,
        with_vectors: bool,
    ) -> tuple[list[HeldPoint], PointId | None]:
        """A page of the points that match."""
        request = qe.ScrollRequest(
            offset=after,
            limit=limit,
            filter=filter_of(where),
            with_payload=True if fields is None else list(fields),
            with_vector=[DENSE] if with_vectors else False,
        )
        with self._turns.use() as opened:
            shard = opened.shard(name)
            try:
                with edge_errors():
                    records, following = shard.scroll(request)
            except EdgeError as error:  # nothing else can be wrong with the request
                raise DamagedVersionError(name, str(error)) from error
        return [held_point(record) for record in records], None if following is None else id_of(following)

    def read(self, name: str, ids: Sequence[PointId], fields: Sequence[str] | None) -> list[HeldPoint]:
        """The points with these ids."""
        with self._turns.use() as opened:
            shard = opened.shard(name)
            try:
                with edge_errors():
                    records = shard.retrieve(list(ids), True if fields is None else list(fields), False)
            except EdgeError as error:  # as in `page`
                raise DamagedVersionError(name, str(error)) from error
        return [HeldPoint(id_of(record.id), record.payload or {}) for record in records]

    def nearest(
        self, name: str, vector: Sequence[float], limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The points nearest to a vector: each one that matches is compared."""
        with self._turns.use() as opened, edge_errors():
            request = qe.QueryRequest(
                limit=limit,
                query=qe.Query.Nearest(vector_of(name, opened.entry(name), vector)),
                filter=filter_of(where),
                with_payload=list(fields) or False,
                params=_EXACT,
            )
            found = opened.shard(name).query(request)
        return [held_point(point, point.score) for point in found]

    def matching(
        self, name: str, words: WordVector, limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The points whose words match best."""
        with self._turns.use() as opened, edge_errors():
            if not words.indices or not opened.has_words(name):
                return []
            request = qe.QueryRequest(
                limit=limit,
                query=qe.Query.Nearest(sparse_of(words), using=VECTOR),
                filter=filter_of(where),
                with_payload=list(fields) or False,
                params=_EXACT,
            )
            found = opened.shard(name).query(request)
        return [held_point(point, point.score) for point in found]

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
        """The points nearest to a vector among those whose words match best."""
        with self._turns.use() as opened, edge_errors():
            if not words.indices or not opened.has_words(name):
                return []
            by_words = qe.Query.Nearest(sparse_of(words), using=VECTOR)
            best = qe.Prefetch(limit=most, query=by_words, filter=filter_of(where), params=_EXACT)
            request = qe.QueryRequest(
                limit=limit,
                prefetches=[best],
                query=qe.Query.Nearest(vector_of(name, opened.entry(name), vector)),
                with_payload=list(fields) or False,
                params=_EXACT,
            )
            found = opened.shard(name).query(request)
        return [held_point(point, point.score) for point in found]

    def in_order(
        self, name: str, field: str, is_descending: bool, limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The points in the order of a field."""
        direction = qe.Direction.Desc if is_descending else qe.Direction.Asc
        request = qe.QueryRequest(
            limit=limit, query=qe.OrderBy(field, direction), filter=filter_of(where), with_payload=list(fields)
        )
        with self._turns.use() as opened, edge_errors():
            found = opened.shard(name).query(request)
        return [held_point(point) for point in found]

    def some_of_each(
        self, name: str, wheres: Sequence[Where], limit: int, fields: Sequence[str]
    ) -> list[list[HeldPoint]]:
        """Some of the points that match each of several conditions."""
        with self._turns.use():
            return [self.page(name, where, limit, None, fields, with_vectors=False)[0] for where in wheres]

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points. Raises ValueError for a vector of a wrong size, or with NaN, before anything is written."""
        with self._turns.use() as opened:
            # Edge writes an operation to its log before it tries it, and tries it again whenever the shard is loaded:
            # one that fails must not reach it
            entry = opened.entry(name)
            has_words = opened.has_words(name)
            structures = [structure_of(one, vector_of(name, entry, one.vector), has_words) for one in points]
            opened.update(name, [qe.UpdateOperation.upsert_points(structures)])

    def delete(self, name: str, where: Where) -> None:
        """Delete the points that match."""
        with self._turns.use() as opened:
            opened.update(name, [qe.UpdateOperation.delete_points_by_filter(filter_of(where))])

    def set_payload(self, name: str, where: Where, values: Mapping[str, Any]) -> None:
        """Set fields of the payload of the points that match."""
        with self._turns.use() as opened:
            opened.update(name, [qe.UpdateOperation.set_payload_by_filter(filter_of(where), dict(values))])


def _filter_of(where: Where) -> "qe.Filter | None":
    """The filter of a count or facet: none if all points match, since each point is compared even with an empty one."""
    return filter_of(where) if where.must or where.should or where.must_not else None
