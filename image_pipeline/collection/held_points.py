"""The points that Qdrant holds, read page by page."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from image_pipeline.collection.points import HeldPoint, PointId, payload_digest

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_PAGE = 2048  # the embedded Qdrant scans all of its points for each page


def held_points(client: "QdrantClient", collection: str, partition_keys: Sequence[str]) -> Iterator[HeldPoint]:
    """The points whose payload names one of these partitions, with the digest of their payload and their vector."""
    from qdrant_client import models

    of_partitions = models.Filter(
        must=[models.FieldCondition(key="partition", match=models.MatchAny(any=list(partition_keys)))]
    )
    for record in _scroll(client, collection, scroll_filter=of_partitions, with_payload=True, with_vectors=True):
        payload = record.payload or {}
        digest = payload_digest(payload)
        yield HeldPoint(
            record.id,
            _text(payload, "path"),
            _text(payload, "partition"),
            digest if payload.get("digest") == digest else None,
            np.array(record.vector, np.float32) if isinstance(record.vector, list) else None,
        )


def stray_points(client: "QdrantClient", collection: str, partition_keys: Container[str | None]) -> Iterator[HeldPoint]:
    """The points whose payload names none of these partitions."""
    for record in _scroll(client, collection, with_payload=["path", "partition"], with_vectors=False):
        key = _text(record.payload or {}, "partition")
        if key not in partition_keys:
            yield HeldPoint(record.id, _text(record.payload or {}, "path"), key)


def outdate_points(client: "QdrantClient", collection: str, ids: Sequence[PointId]) -> None:
    """Mark points as out of date, so that the next run of their partition writes them again."""
    for start in range(0, len(ids), _PAGE):
        client.set_payload(collection, {"digest": ""}, points=list(ids[start : start + _PAGE]), wait=True)


def _scroll(client: "QdrantClient", collection: str, **what: Any) -> Iterator[Any]:
    offset = None
    while True:
        records, offset = client.scroll(collection, limit=_PAGE, offset=offset, **what)
        yield from records
        if offset is None:
            return


def _text(payload: Mapping[str, Any], name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) else None
