"""The engine on Qdrant Edge: shards in a folder, and the catalogue beside them."""

import math
import shutil
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as qe

from image_pipeline.collection.conditions import Where
from image_pipeline.collection.edge.catalog import Catalog, Entry, read_catalog, write_catalog
from image_pipeline.collection.edge.filters import filter_of
from image_pipeline.collection.edge.shards import EdgeError, create_shard, edge_errors, index_params, load_shard
from image_pipeline.collection.engine import Description, Engine, HeldPoint
from image_pipeline.collection.points import Point, PointId
from image_pipeline.schema.column import Index

_EXACT = qe.SearchParams(exact=True)


class EdgeEngine(Engine):
    """An engine on the files in `directory`, for a process that holds its lock; a shard is loaded when it is used.

    Raises CollectionError if the catalogue is damaged, DamagedShardError if a shard is.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._catalog = read_catalog(directory)
        self._shards: dict[str, qe.EdgeShard] = {}
        self._delete_leftovers()

    def close(self) -> None:
        """Close all shards."""
        while self._shards:
            _, shard = self._shards.popitem()
            with edge_errors():
                shard.close()

    def names(self) -> list[str]:
        """The names of all collections."""
        return sorted(self._catalog.collections)

    def exists(self, name: str) -> bool:
        """Whether there is a collection of this name."""
        return name in self._catalog.collections

    def describe(self, name: str) -> Description:
        """The description of a collection."""
        entry = self._entry(name)
        shard = self._shard(name)
        with edge_errors():
            return Description(entry.dimension, entry.metadata, frozenset(shard.info().payload_schema))

    def create(self, name: str, dimension: int, metadata: Mapping[str, str]) -> None:
        """Create a collection; it exists once the catalogue names it."""
        if self.exists(name):
            raise EdgeError(f"the collection {name!r} exists already")
        folder = self._catalog.new_folder(path.name for path in self._directory.iterdir())
        shard = create_shard(self._directory / folder, dimension)
        with edge_errors():
            shard.flush()
        self._write(self._catalog.having(name, Entry(folder, dimension, dict(metadata))))
        self._shards[name] = shard

    def create_index(self, name: str, field: str, index: Index) -> None:
        """Index a field of the payload."""
        self._update(name, qe.UpdateOperation.create_field_index(field, index_params(index)))

    def drop(self, name: str) -> None:
        """Delete a collection; it no longer exists once the catalogue does not name it."""
        if not self.exists(name):
            return
        folder = self._entry(name).folder
        shard = self._shards.pop(name, None)
        self._write(self._catalog.without(name))
        if shard is not None:
            with edge_errors():
                shard.close()
        shutil.rmtree(self._directory / folder, ignore_errors=True)  # what remains is deleted when it is next opened

    def set_metadata(self, name: str, key: str, value: str) -> None:
        """Set one entry of a collection's metadata."""
        entry = self._entry(name)
        changed = Entry(entry.folder, entry.dimension, {**entry.metadata, key: value})
        self._write(self._catalog.having(name, changed))

    def aliases(self) -> dict[str, str]:
        """All aliases."""
        return dict(self._catalog.aliases)

    def set_alias(self, alias: str, name: str | None) -> None:
        """Point an alias to a collection, or delete it."""
        if name is not None:
            self._entry(name)
        self._write(self._catalog.pointing(alias, name))

    def count(self, name: str, where: Where) -> int:
        """The exact number of points that match."""
        shard = self._shard(name)
        with edge_errors():
            return shard.count(qe.CountRequest(exact=True, filter=filter_of(where)))

    def facet(self, name: str, field: str, where: Where, limit: int) -> dict[str, int]:
        """The most frequent values of a field."""
        shard = self._shard(name)
        with edge_errors():
            found = shard.facet(qe.FacetRequest(field, limit=limit, exact=True, filter=filter_of(where)))
        return {str(hit.value): hit.count for hit in found.hits}

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
        shard = self._shard(name)
        request = qe.ScrollRequest(
            offset=after,
            limit=limit,
            filter=filter_of(where),
            with_payload=True if fields is None else list(fields),
            with_vector=with_vectors,
        )
        with edge_errors():
            records, following = shard.scroll(request)
        return [_held(record) for record in records], None if following is None else _id(following)

    def nearest(
        self, name: str, vector: Sequence[float], limit: int, where: Where, fields: Sequence[str]
    ) -> list[HeldPoint]:
        """The points nearest to a vector: each one that matches is compared."""
        shard = self._shard(name)
        request = qe.QueryRequest(
            limit=limit,
            query=qe.Query.Nearest(self._vector(name, vector)),
            filter=filter_of(where),
            with_payload=list(fields),
            params=_EXACT,
        )
        with edge_errors():
            return [_held(point, point.score) for point in shard.query(request)]

    def some_of_each(
        self, name: str, wheres: Sequence[Where], limit: int, fields: Sequence[str]
    ) -> list[list[HeldPoint]]:
        """Some of the points that match each of several conditions."""
        return [self.page(name, where, limit, None, fields, with_vectors=False)[0] for where in wheres]

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points. Raises ValueError for a vector of a wrong size, or with NaN, before anything is written."""
        # Edge writes an operation to its log before it tries it, and tries it again whenever the shard is loaded: one
        # that fails must not reach it
        structures = [qe.Point(one.id, self._vector(name, one.vector), dict(one.payload)) for one in points]
        self._update(name, qe.UpdateOperation.upsert_points(structures))

    def delete(self, name: str, where: Where) -> None:
        """Delete the points that match."""
        self._update(name, qe.UpdateOperation.delete_points_by_filter(filter_of(where)))

    def set_payload(self, name: str, where: Where, values: Mapping[str, Any]) -> None:
        """Set fields of the payload of the points that match."""
        self._update(name, qe.UpdateOperation.set_payload_by_filter(filter_of(where), dict(values)))

    def _update(self, name: str, operation: qe.UpdateOperation) -> None:
        shard = self._shard(name)
        with edge_errors():
            shard.update(operation)
            shard.flush()  # the log of updates is not synchronised with the disk

    def _vector(self, name: str, vector: Sequence[float]) -> list[float]:
        size = self._entry(name).dimension
        if len(vector) != size or not math.isfinite(sum(vector)):
            raise ValueError(f"a vector of {len(vector)} numbers for {name!r}, which has {size}, or one with NaN")
        # an element that is a NumPy number takes twenty times as long to convert
        return vector.tolist() if isinstance(vector, np.ndarray) else list(vector)

    def _entry(self, name: str) -> Entry:
        try:
            return self._catalog.collections[name]
        except KeyError as error:
            raise EdgeError(f"there is no collection {name!r} in the embedded Qdrant") from error

    def _shard(self, name: str) -> qe.EdgeShard:
        folder = self._directory / self._entry(name).folder
        if name not in self._shards:
            self._shards[name] = load_shard(folder, name)
        return self._shards[name]

    def _write(self, catalog: Catalog) -> None:
        write_catalog(self._directory, catalog)
        self._catalog = catalog

    def _delete_leftovers(self) -> None:
        known = {entry.folder for entry in self._catalog.collections.values()}
        for path in self._directory.glob("shard-*"):
            if path.name not in known:
                with suppress(OSError):
                    shutil.rmtree(path)


def _held(record: Any, score: float = 0.0) -> HeldPoint:
    vector = np.array(record.vector, np.float32) if isinstance(record.vector, list) else None
    return HeldPoint(_id(record.id), record.payload or {}, vector, score)


def _id(id_: PointId | uuid.UUID) -> PointId:
    return str(id_) if isinstance(id_, uuid.UUID) else id_
