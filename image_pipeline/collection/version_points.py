"""The points of one version of the collection: read, searched, written and deleted."""

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from image_pipeline.collection.points import Point, PointId, PointRecord, payload_digest
from image_pipeline.collection.query import Hit, SearchFilter, nearest
from image_pipeline.collection.replaced import reading
from image_pipeline.schema.payload import DIGEST, PARTITION, PATH

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

UPSERT_BATCH = 256
SCROLL_PAGE = 2048  # the embedded Qdrant scans all of its points for each page


class VersionPoints:
    """The points of the version `name`, through an open client."""

    def __init__(self, client: "QdrantClient", name: str) -> None:
        self._client, self.name = client, name

    def reading(self) -> AbstractContextManager[None]:
        """Raises VersionReplacedError for any error in the block if Qdrant no longer has this version."""
        return reading(self._client, self.name)

    def count(self) -> int:
        """The exact number of all points."""
        return int(self._client.count(self.name, exact=True).count)

    def counts(self, partition_keys: Sequence[str]) -> dict[str, int]:
        """The exact number of points in each of these partitions."""
        hits = self._client.facet(
            self.name,
            key=PARTITION.name,
            facet_filter=_in_partitions(partition_keys),
            limit=len(partition_keys),
            exact=True,
        ).hits
        return dict.fromkeys(partition_keys, 0) | {str(hit.value): hit.count for hit in hits}

    def digests(self, partition_keys: Sequence[str]) -> dict[str, dict[str, str]]:
        """The points of partitions: for each key, id → digest of the payload."""
        found: dict[str, dict[str, str]] = {key: {} for key in partition_keys}
        if found:
            fields = [PARTITION.name, DIGEST.name]
            for record in self._records(_in_partitions(partition_keys), with_payload=fields, with_vectors=False):
                payload = record.payload or {}
                found[payload[PARTITION.name]][str(record.id)] = str(payload.get(DIGEST.name))
        return found

    def scroll(self, partition_keys: Sequence[str]) -> Iterator[PointRecord]:
        """The points whose payload names one of these partitions, with the digest of their payload and their vector."""
        for record in self._records(_in_partitions(partition_keys), with_payload=True, with_vectors=True):
            payload = record.payload or {}
            digest = payload_digest(payload)
            yield PointRecord(
                record.id,
                _text(payload, PATH.name),
                _text(payload, PARTITION.name),
                digest if payload.get(DIGEST.name) == digest else None,
                np.array(record.vector, np.float32) if isinstance(record.vector, list) else None,
            )

    def stray_points(self, partition_keys: Container[str | None]) -> Iterator[PointRecord]:
        """The points whose payload names none of these partitions."""
        for record in self._records(None, with_payload=[PATH.name, PARTITION.name], with_vectors=False):
            key = _text(record.payload or {}, PARTITION.name)
            if key not in partition_keys:
                yield PointRecord(record.id, _text(record.payload or {}, PATH.name), key)

    def nearest(self, vector: Sequence[float], limit: int, search_filter: SearchFilter | None = None) -> list[Hit]:
        """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

        This version is the one whose model made the vector: by now, the alias may point to a version of a different
        model. Raises VersionReplacedError if it no longer exists.
        """
        with self.reading():
            return nearest(self._client, self.name, vector, limit, search_filter or SearchFilter())

    def upsert(self, points: Sequence[Point]) -> Iterator[int]:
        """Write points in batches; yields the number of points in each batch."""
        from qdrant_client import models

        for start in range(0, len(points), UPSERT_BATCH):
            batch = points[start : start + UPSERT_BATCH]
            self._client.upsert(
                self.name,
                [models.PointStruct(id=p.id, vector=list(p.vector), payload=dict(p.payload)) for p in batch],
                wait=True,
            )
            yield len(batch)

    def delete(self, partition_key: str, ids: Sequence[str]) -> None:
        """Delete points of a partition by id; points that have moved to another partition meanwhile stay."""
        from qdrant_client import models

        for batch in _pages(ids):
            among = models.HasIdCondition(has_id=batch)
            points = models.Filter(must=[*_in_partitions([partition_key]).must, among])
            self._client.delete(self.name, models.FilterSelector(filter=points), wait=True)

    def delete_points(self, ids: Sequence[PointId]) -> None:
        """Delete points by id."""
        from qdrant_client import models

        for batch in _pages(ids):
            self._client.delete(self.name, models.PointIdsList(points=batch), wait=True)

    def delete_partition(self, partition_key: str) -> None:
        """Delete the points of a partition."""
        from qdrant_client import models

        points = _in_partitions([partition_key])
        self._client.delete(self.name, models.FilterSelector(filter=points), wait=True)

    def count_partition(self, partition_key: str) -> int:
        """The exact number of points in a partition."""
        return int(self._client.count(self.name, count_filter=_in_partitions([partition_key]), exact=True).count)

    def mark_outdated(self, ids: Sequence[PointId]) -> None:
        """Mark points as out of date, so that the next run of their partition writes them again.

        Points that no longer exist are left out: a run may have deleted them meanwhile.
        """
        from qdrant_client import models

        for batch in _pages(ids):
            points = models.Filter(must=[models.HasIdCondition(has_id=batch)])  # an unknown id alone would be an error
            self._client.set_payload(self.name, {DIGEST.name: ""}, points=points, wait=True)

    def _records(
        self, scroll_filter: "models.Filter | None", with_payload: bool | list[str], with_vectors: bool
    ) -> "Iterator[models.Record]":
        offset = None
        while True:
            records, offset = self._client.scroll(
                self.name,
                scroll_filter=scroll_filter,
                limit=SCROLL_PAGE,
                offset=offset,
                with_payload=with_payload,
                with_vectors=with_vectors,
            )
            yield from records
            if offset is None:
                return


def _pages(ids: Sequence[PointId]) -> Iterator[list[Any]]:
    return (list(ids[start : start + SCROLL_PAGE]) for start in range(0, len(ids), SCROLL_PAGE))


def _in_partitions(partition_keys: Sequence[str]) -> Any:
    from qdrant_client import models

    among = models.MatchAny(any=list(partition_keys))
    return models.Filter(must=[models.FieldCondition(key=PARTITION.name, match=among)])


def _text(payload: Mapping[str, Any], name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) else None
