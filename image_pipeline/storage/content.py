"""Cached stage rows by content: what one version of a stage computed for an image, reused by any partition."""

import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Generic, TypeVar

import numpy as np

from image_pipeline.schema.rows import DecodedContent, Embedding, ImageCaption, MetadataOfImage
from image_pipeline.storage.cache import ContentCache

C = TypeVar("C", MetadataOfImage, DecodedContent, ImageCaption)


class RowCache(Generic[C]):
    """Rows of `row_type` that `producer` made, kept as JSON."""

    def __init__(self, cache: ContentCache, row_type: type[C], producer: str) -> None:
        self._cache, self._producer = cache, producer
        self._row_type: type[C] = row_type

    def get(self, sha256s: Sequence[str]) -> dict[str, C]:
        """The cached rows of these contents, by sha256; rows with other columns than today's are left out."""
        columns = {column.name for column in fields(self._row_type)}
        values = self._cache.get(self._producer, sha256s)
        rows = {sha256: json.loads(value) for sha256, value in values.items()}
        return {sha256: self._row_type(**row) for sha256, row in rows.items() if row.keys() == columns}

    def put(self, rows: Iterable[C]) -> None:
        """Store rows."""
        self._cache.put(self._producer, {row.sha256: json.dumps(asdict(row)).encode() for row in rows})


class EmbeddingCache:
    """Embeddings that `producer` made, kept as their float32 bytes, little endian."""

    def __init__(self, cache: ContentCache, producer: str) -> None:
        self._cache, self._producer = cache, producer

    def get(self, sha256s: Sequence[str]) -> dict[str, Embedding]:
        """The cached embeddings of these contents, by sha256."""
        values = self._cache.get(self._producer, sha256s)
        return {sha256: Embedding(sha256, _numbers(value)) for sha256, value in values.items()}

    def put(self, sha256s: Sequence[str], vectors: np.ndarray) -> None:
        """Store `vectors`, float32 `[n, d]`, one for each of `sha256s`."""
        pairs = zip(sha256s, vectors.astype("<f4"), strict=True)
        self._cache.put(self._producer, {sha256: vector.tobytes() for sha256, vector in pairs})


def _numbers(value: bytes) -> "array[float]":
    return array("f", np.frombuffer(value, "<f4").astype(np.float32).tobytes())
