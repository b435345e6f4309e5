"""Points as Qdrant Edge takes and returns them."""

import math
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import qdrant_edge as qe

from image_pipeline.collection.edge.catalog import Entry
from image_pipeline.collection.engine import HeldPoint
from image_pipeline.collection.points import Point, PointId
from image_pipeline.collection.words import VECTOR, WordVector, words_of

DENSE = ""
"""The name of the dense vector, which is the unnamed one, among several vectors of a point."""


def structure_of(point: Point, vector: list[float], has_words: bool) -> qe.Point:
    """The point as Qdrant Edge takes it, with the words of its payload if the collection has words."""
    if not has_words:
        return qe.Point(point.id, vector, dict(point.payload))
    vectors: dict[str, list[float] | qe.SparseVector | list[list[float]]] = {DENSE: vector}
    vectors[VECTOR] = sparse_of(words_of(point.payload))
    return qe.Point(point.id, vectors, dict(point.payload))


def sparse_of(words: WordVector) -> qe.SparseVector:
    """A vector of words."""
    return qe.SparseVector(list(words.indices), list(words.values))


def vector_of(name: str, entry: Entry, vector: Sequence[float]) -> list[float]:
    """The vector as Qdrant Edge takes it. Raises ValueError if its size is not that of the collection, or for NaN."""
    if len(vector) != entry.dimension or not math.isfinite(sum(vector)):
        raise ValueError(
            f"a vector of {len(vector)} numbers for {name!r}, which has {entry.dimension}, or one with NaN"
        )
    # an element that is a NumPy number takes twenty times as long to convert
    return vector.tolist() if isinstance(vector, np.ndarray) else list(vector)


def held_point(record: Any, score: float = 0.0) -> HeldPoint:
    """A record or scored point of Qdrant Edge, with its vector if it was asked for."""
    held = record.vector.get(DENSE) if isinstance(record.vector, dict) else record.vector
    vector = np.array(held, np.float32) if isinstance(held, list) else None
    return HeldPoint(id_of(record.id), record.payload or {}, vector, score)


def id_of(id_: PointId | uuid.UUID) -> PointId:
    """The id of a point that Qdrant Edge returned."""
    return str(id_) if isinstance(id_, uuid.UUID) else id_
