"""Cached stage rows by content: what one version of a stage computed for an image, for use in any partition."""

import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any, Generic, TypeVar

import numpy as np

from image_pipeline.schema.rows import ContentRow, Embedding
from image_pipeline.storage.cache import ContentCache

C = TypeVar("C", bound=ContentRow)


class RowCache(Generic[C]):
    """Rows of `row_type` that `producer` made: embeddings as their float32 bytes, little endian, all others as JSON."""

    def __init__(self, cache: ContentCache, row_type: type[C], producer: str) -> None:
        self._cache, self._producer = cache, producer
        self._row_type: type[C] = row_type

    def get(self, sha256s: Sequence[str]) -> dict[str, C]:
        """The cached rows of contents, by sha256; rows whose columns differ from the current ones are left out."""
        values = self._cache.get(self._producer, sha256s)
        if issubclass(self._row_type, Embedding):
            return {sha256: self._row_type(sha256, _numbers(value)) for sha256, value in values.items()}
        columns = {column.name for column in fields(self._row_type)}
        rows: dict[str, dict[str, Any]] = {sha256: json.loads(value) for sha256, value in values.items()}
        return {sha256: self._row_type(**row) for sha256, row in rows.items() if row.keys() == columns}

    def put(self, rows: Iterable[C]) -> None:
        """Store rows."""
        self._cache.put(self._producer, {row.sha256: _value(row) for row in rows})


def _value(row: ContentRow) -> bytes:
    if isinstance(row, Embedding):
        return np.asarray(row.vector, "<f4").tobytes()
    return json.dumps(asdict(row)).encode()


def _numbers(value: bytes) -> "array[float]":
    return array("f", np.frombuffer(value, "<f4").astype(np.float32).tobytes())
