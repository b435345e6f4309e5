"""Points: one per file, with a payload to search and filter by."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from image_pipeline.schema.payload import DIGEST, NOT_CONTENT, PATH

# UUIDv5 needs a namespace; this one was drawn at random once.
_NAMESPACE = uuid.UUID("8970b6b7-5a9b-4afd-8d2f-5fa6c6354a02")

PointId = str | int
"""The pipeline's own points have UUIDs; Qdrant also accepts integers."""


@dataclass(frozen=True)
class Point:
    """A file in the collection: its id, its embedding (float32 `[d]`, unit length) and its payload."""

    id: str
    vector: Sequence[float]
    payload: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The digest of the payload, which shows whether a point in the collection is up to date."""
        return str(self.payload[DIGEST.name])


@dataclass(frozen=True)
class PointRecord:
    """A point as Qdrant holds it; `path` and `partition_key` are from its payload.

    `digest` is calculated from the payload; None if it differs from the digest stored there. `vector` is float32 `[d]`,
    or None if the point has none.
    """

    id: PointId
    path: str | None
    partition_key: str | None
    digest: str | None = None
    vector: np.ndarray | None = None


@dataclass(frozen=True)
class Difference:
    """The changes that bring a partition of the collection up to date."""

    upserts: list[Point]
    deletions: list[str]


def point_id(path: str) -> str:
    """The id of a file's point: the UUIDv5 of its path (RFC 9562, 5.5)."""
    return str(uuid.uuid5(_NAMESPACE, path))


def make_point(path: str, vector: Sequence[float], payload: Mapping[str, Any]) -> Point:
    """The point of the file `path`; its payload omits values of None, and includes a digest of the others."""
    content = {name: value for name, value in payload.items() if value is not None}
    content[PATH.name] = path
    return Point(point_id(path), vector, {**content, DIGEST.name: payload_digest(content)})


def payload_digest(payload: Mapping[str, Any]) -> str:
    """A hash of a payload, 16 hex digits, without the fields about the run that wrote it."""
    lasting = {name: value for name, value in payload.items() if name not in NOT_CONTENT}
    return hashlib.blake2b(json.dumps(lasting, sort_keys=True).encode(), digest_size=8).hexdigest()


def difference(existing: Mapping[str, str], wanted: Sequence[Point]) -> Difference:
    """What to upsert and delete if the collection holds `existing` (id → digest) and should hold `wanted`."""
    upserts = [point for point in wanted if existing.get(point.id) != point.digest]
    kept = {point.id for point in wanted}
    return Difference(upserts, [id_ for id_ in existing if id_ not in kept])
