"""The engine over the Qdrant client: a server, or its local mode."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

from image_pipeline.collection.client_filters import filter_of
from image_pipeline.collection.engine import Description, Engine, HeldPoint
from image_pipeline.collection.points import Point, PointId
from image_pipeline.collection.where import Ids, Where
from image_pipeline.collection.words import VECTOR, WordVector, words_of
from image_pipeline.schema.column import Index

_SCHEMAS: dict[Index, Any] = {
    Index.KEYWORD: models.PayloadSchemaType.KEYWORD,
    Index.INTEGER: models.PayloadSchemaType.INTEGER,
    Index.FLOAT: models.PayloadSchemaType.FLOAT,
    Index.DATETIME: models.PayloadSchemaType.DATETIME,
    Index.GEO: models.PayloadSchemaType.GEO,
    Index.TEXT: models.TextIndexParams(
        type=models.TextIndexType.TEXT, tokenizer=models.TokenizerType.WORD, lowercase=True
    ),
}

_DENSE = ""
"""The name of the dense vector, which is the unnamed one, among several vectors of a point."""


class ClientEngine(Engine):
    """An engine that sends each operation to an open client; `on_creation` is called after a collection was created."""

    def __init__(self, client: QdrantClient, on_creation: Callable[[], None] = lambda: None) -> None:
        self._client, self._on_creation = client, on_creation
        self._has_words: dict[str, bool] = {}

    def names(self) -> list[str]:
        """The names of all collections."""
        return [collection.name for collection in self._client.get_collections().collections]

    def exists(self, name: str) -> bool:
        """Whether there is a collection of this name."""
        return bool(self._client.collection_exists(name))

    def describe(self, name: str) -> Description:
        """The description of a collection."""
        found = self._client.get_collection(name)
        size = getattr(found.config.params.vectors, "size", None)
        return Description(size, found.config.metadata or {}, VECTOR in (found.config.params.sparse_vectors or {}))

    def indexed(self, name: str) -> frozenset[str]:
        """The fields that have an index."""
        return frozenset(self._client.get_collection(name).payload_schema)

    def create(self, name: str, dimension: int, metadata: Mapping[str, str]) -> None:
        """Create a collection."""
        vectors = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        words = {VECTOR: models.SparseVectorParams(modifier=models.Modifier.IDF)}
        self._has_words.pop(name, None)
        self._client.create_collection(
            name, vectors_config=vectors, sparse_vectors_config=words, metadata=dict(metadata)
        )
        self._on_creation()

    def create_indexes(self, name: str, indexes: Mapping[str, Index]) -> None:
        """Index fields; the local mode ignores indexes."""
        for field, index in indexes.items():
            self._client.create_payload_index(name, field, field_schema=_SCHEMAS[index], wait=True)

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._has_words.pop(name, None)
        self._client.delete_collection(name)

    def set_metadata(self, name: str, key: str, value: str) -> None:
        """Set one entry of a collection's metadata."""
        self._client.update_collection(name, metadata={key: value})

    def aliases(self) -> dict[str, str]:
        """All aliases."""
        return {one.alias_name: one.collection_name for one in self._client.get_aliases().aliases}

    def set_alias(self, alias: str, name: str | None) -> None:
        """Point an alias to a collection, or delete it."""
        operations: list[models.CreateAliasOperation | models.DeleteAliasOperation] = []
        if alias in self.aliases():
            deletion = models.DeleteAlias(alias_name=alias)
            operations.append(models.DeleteAliasOperation(delete_alias=deletion))
        if name is not None:
            creation = models.CreateAlias(collection_name=name, alias_name=alias)
            operations.append(models.CreateAliasOperation(create_alias=creation))
        if operations:
            self._client.update_collection_aliases(change_aliases_operations=operations)

    def count(self, name: str, where: Where) -> int:
        """The exact number of points that match."""
        return int(self._client.count(name, count_filter=filter_of(where), exact=True).count)

    def facet(self, name: str, field: str, where: Where, limit: int) -> dict[str | int, int]:
        """The most frequent values of a field."""
        found = self._client.facet(name, key=field, facet_filter=filter_of(where), limit=limit, exact=True)
        return {hit.value: hit.count for hit in found.hits}

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
        with_payload = True if fields is None else list(fields)
        records, following = self._client.scroll(
            name,
            scroll_filter=filter_of(where),
            limit=limit,
            offset=after,
            with_payload=with_payload,
            with_vectors=[_DENSE] if with_vectors else False,
        )
        return [_held(record) for record in records], following

    def read(self, name: str, ids: Sequence[PointId], fields: Sequence[str] | None) -> list[HeldPoint]:
        """The points with these ids."""
        found = self._client.retrieve(name, list(ids), True if fields is None else list(fields))
        return [_held(record) for record in found]

    def nearest(
        self, name: str, vector: Sequence[float], limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The points nearest to a vector."""
        found = self._client.query_points(
            name, query=list(vector), limit=limit, query_filter=filter_of(where), with_payload=list(fields) or False
        )
        return [_held(point, point.score) for point in found.points]

    def matching(
        self, name: str, words: WordVector, limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The points whose words match best."""
        if not words.indices or not self._having_words(name):
            return []
        found = self._client.query_points(
            name,
            query=_sparse(words),
            using=VECTOR,
            limit=limit,
            query_filter=filter_of(where),
            with_payload=list(fields) or False,
        )
        return [_held(point, point.score) for point in found.points]

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
        if not words.indices or not self._having_words(name):
            return []
        found = self._client.query_points(
            name,
            prefetch=models.Prefetch(query=_sparse(words), using=VECTOR, limit=most, filter=filter_of(where)),
            query=list(vector),
            limit=limit,
            with_payload=list(fields) or False,
        )
        return [_held(point, point.score) for point in found.points]

    def in_order(
        self, name: str, field: str, is_descending: bool, limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The points in the order of a field."""
        direction = models.Direction.DESC if is_descending else models.Direction.ASC
        order = models.OrderByQuery(order_by=models.OrderBy(key=field, direction=direction))
        found = self._client.query_points(
            name, query=order, limit=limit, query_filter=filter_of(where), with_payload=list(fields)
        )
        return [_held(point) for point in found.points]

    def some_of_each(
        self, name: str, wheres: Sequence[Where], limit: int, fields: Sequence[str]
    ) -> list[list[HeldPoint]]:
        """Some of the points that match each of several conditions, in one request."""
        if not wheres:
            return []
        requests = [
            models.QueryRequest(filter=filter_of(where), limit=limit, with_payload=list(fields)) for where in wheres
        ]
        return [[_held(point) for point in found.points] for found in self._client.query_batch_points(name, requests)]

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points."""
        has_words = self._having_words(name)
        structures = [
            models.PointStruct(
                id=one.id,
                vector={_DENSE: list(one.vector), VECTOR: _sparse(words_of(one.payload))}
                if has_words
                else list(one.vector),
                payload=dict(one.payload),
            )
            for one in points
        ]
        self._client.upsert(name, structures, wait=True)

    def delete(self, name: str, where: Where) -> None:
        """Delete the points that match."""
        match where:
            case Where(must=[Ids(ids)], should=(), must_not=()):
                selector = models.PointIdsList(points=list(ids))  # the local mode would look at every point
            case _:
                selector = models.FilterSelector(filter=filter_of(where))
        self._client.delete(name, selector, wait=True)

    def set_payload(self, name: str, where: Where, values: Mapping[str, Any]) -> None:
        """Set fields of the payload of the points that match."""
        self._client.set_payload(name, dict(values), points=filter_of(where), wait=True)

    def _having_words(self, name: str) -> bool:
        """Whether a collection has words, which never changes; asked once for each collection."""
        if name not in self._has_words:
            self._has_words[name] = self.describe(name).has_words
        return self._has_words[name]


def _sparse(words: WordVector) -> models.SparseVector:
    return models.SparseVector(indices=list(words.indices), values=list(words.values))


def _held(record: Any, score: float = 0.0) -> HeldPoint:
    held = record.vector.get(_DENSE) if isinstance(record.vector, dict) else record.vector
    vector = np.array(held, np.float32) if isinstance(held, list) else None
    return HeldPoint(record.id, record.payload or {}, vector, score)
