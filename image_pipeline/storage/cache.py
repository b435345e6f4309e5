"""The content cache: (sha256, producer) → value, in SQLite, shared by several processes.

It holds what was computed from an image's content, regardless of file and directory: embeddings, captions, metadata,
the outcome of decoding. It also holds which contents have the same pixels, so that a value can be found by them. It may
be deleted at any time; its values are then computed again.
"""

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import product
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from image_pipeline.schema.rows import ContentRow, Embedding
from image_pipeline.storage.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS content (
    producer TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (producer, sha256)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pixels (
    spec TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    pixels TEXT NOT NULL,
    PRIMARY KEY (spec, sha256)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sha256s_by_pixels ON pixels (spec, pixels);
CREATE TABLE IF NOT EXISTS without_pixels (
    sha256 TEXT NOT NULL,
    decoder TEXT NOT NULL,
    PRIMARY KEY (sha256, decoder)
) WITHOUT ROWID
"""
# finds each producer by an index lookup after the previous one: a plain DISTINCT would read all values
_PRODUCERS = """
WITH RECURSIVE found (producer) AS (
    SELECT min(producer) FROM content
    UNION ALL
    SELECT (SELECT min(producer) FROM content WHERE producer > found.producer) FROM found WHERE producer IS NOT NULL
)
SELECT producer FROM found WHERE producer IS NOT NULL
"""
_VARIABLES = 500  # older versions of SQLite allow at most 999 variables in a statement


class ContentCache:
    """The cache in `file`."""

    def __init__(self, file: Path) -> None:
        remedy = "make room in the store; if the file is damaged, delete it, and the next run creates a new one"
        self._database = Database(file, _SCHEMA, remedy)

    def get(self, producer: str, sha256s: Sequence[str]) -> dict[str, bytes]:
        """The cached values that `producer` made from the contents `sha256s`; contents without a value are left out.

        Raises StoreError if the cache cannot be used.
        """
        return self._select("SELECT sha256, value FROM content WHERE producer = ?", [producer], sha256s)

    def put(self, producer: str, values: Mapping[str, bytes]) -> None:
        """Store values by sha256, replacing existing ones. Raises StoreError if the cache cannot be used."""
        if values:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO content (producer, sha256, value) VALUES (?, ?, ?)",
                    ((producer, sha256, value) for sha256, value in values.items()),
                )

    def pixels(self, spec: str, sha256s: Sequence[str]) -> dict[str, str]:
        """The pixels of contents as input of a model (`spec`), as `put_pixels` stored them; unknown ones are left out.

        Raises StoreError if the cache cannot be used.
        """
        return self._select("SELECT sha256, pixels FROM pixels WHERE spec = ?", [spec], sha256s)

    def put_pixels(self, spec: str, pixels: Mapping[str, str]) -> None:
        """Store the pixels of contents by sha256: a text that is equal for the same picture.

        Raises StoreError if the cache cannot be used.
        """
        if pixels:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO pixels (spec, sha256, pixels) VALUES (?, ?, ?)",
                    ((spec, sha256, value) for sha256, value in pixels.items()),
                )

    def without_pixels(self, decoder: str, sha256s: Sequence[str]) -> set[str]:
        """The contents among these whose pixels `decoder` could not determine.

        Raises StoreError if the cache cannot be used.
        """
        return set(self._select("SELECT sha256, decoder FROM without_pixels WHERE decoder = ?", [decoder], sha256s))

    def put_without_pixels(self, decoder: str, sha256s: Iterable[str]) -> None:
        """Note that `decoder` could not determine the pixels of these contents.

        Raises StoreError if the cache cannot be used.
        """
        rows = [(sha256, decoder) for sha256 in sha256s]
        if rows:
            with self._database.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO without_pixels (sha256, decoder) VALUES (?, ?)", rows)

    def get_by_pixels(self, producer: str, spec: str, sha256s: Sequence[str]) -> dict[str, bytes]:
        """The values that `producer` made from other contents with the same pixels, by the sha256 that was asked for.

        Contents without such a value are left out. Raises StoreError if the cache cannot be used.
        """
        # CROSS JOIN fixes the order of the look-ups: without statistics, SQLite may begin with all values
        query = (
            "SELECT sha256, (SELECT value FROM pixels AS other CROSS JOIN content "
            "ON content.producer = ? AND content.sha256 = other.sha256 "
            "WHERE other.spec = own.spec AND other.pixels = own.pixels LIMIT 1) "
            "FROM pixels AS own WHERE spec = ?"
        )
        found = self._select(query, [producer, spec], sha256s)
        return {sha256: value for sha256, value in found.items() if value is not None}

    def _select(self, query: str, parameters: Sequence[str], sha256s: Sequence[str]) -> dict[str, Any]:
        """The pairs of columns that `query`, which ends in a condition, gives for `sha256s`."""
        found: dict[str, Any] = {}
        if sha256s:
            with self._database.transaction() as connection:
                for chunk in _chunks(sha256s):
                    marks = ",".join("?" * len(chunk))
                    found.update(connection.execute(f"{query} AND sha256 IN ({marks})", (*parameters, *chunk)))
        return found

    def take_over_successes(self, older: str, producer: str) -> None:
        """Copy the successes of older producers to `producer`, then delete all values of the older ones.

        The name of an older producer is `older`, or `older`, a space and a limit. A success is a row without a reason.
        Raises StoreError if the cache cannot be used.
        """
        names = (older, f"{older} ", f"{older}!")  # the character after the space
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO content SELECT ?, sha256, value FROM content "
                "WHERE (producer = ? OR producer > ? AND producer < ?) "
                "AND json_extract(CAST(value AS TEXT), '$.reason') IS NULL",
                (producer, *names),
            )
            connection.execute("DELETE FROM content WHERE producer = ? OR producer > ? AND producer < ?", names)

    def delete(self, sha256s: Sequence[str]) -> None:
        """Delete the values and pixels of these contents. Raises StoreError if the cache cannot be used."""
        if sha256s:
            with self._database.transaction() as connection:
                producers = [producer for (producer,) in connection.execute(_PRODUCERS)]
                specs = [spec for (spec,) in connection.execute("SELECT DISTINCT spec FROM pixels")]
                connection.executemany("DELETE FROM pixels WHERE spec = ? AND sha256 = ?", product(specs, sha256s))
                connection.executemany("DELETE FROM without_pixels WHERE sha256 = ?", ((sha256,) for sha256 in sha256s))
                connection.executemany(
                    "DELETE FROM content WHERE producer = ? AND sha256 = ?", product(producers, sha256s)
                )


def _chunks(sha256s: Sequence[str]) -> Iterable[Sequence[str]]:
    return (sha256s[start : start + _VARIABLES] for start in range(0, len(sha256s), _VARIABLES))


C = TypeVar("C", bound=ContentRow)


class RowCache(Generic[C]):
    """Rows of `row_type` that `producer` made: embeddings as their float32 bytes, little endian, all others as JSON."""

    def __init__(self, cache: ContentCache, row_type: type[C], producer: str) -> None:
        self._cache, self._producer = cache, producer
        self._row_type: type[C] = row_type

    def get(self, sha256s: Sequence[str]) -> dict[str, C]:
        """The cached rows of contents, by sha256; rows whose columns differ from the current ones are left out."""
        return self._rows(self._cache.get(self._producer, sha256s))

    def take_over(self, spec: str, sha256s: Sequence[str]) -> dict[str, C]:
        """The cached rows of other contents with the same pixels, for `sha256s`; they are stored for these, too.

        `spec` is the input of the model that made the rows.
        """
        rows = self._rows(self._cache.get_by_pixels(self._producer, spec, sha256s))
        self.put(rows.values())
        return rows

    def _rows(self, values: Mapping[str, bytes]) -> dict[str, C]:
        """The rows of `values`, each for the sha256 under which it is given."""
        if issubclass(self._row_type, Embedding):
            return {sha256: self._row_type(sha256, _numbers(value)) for sha256, value in values.items()}
        columns = {column.name for column in fields(self._row_type)}
        required = columns - self._row_type.added_later()
        rows: dict[str, dict[str, Any]] = {sha256: json.loads(value) for sha256, value in values.items()}
        return {
            sha256: self._row_type(**{**row, "sha256": sha256})
            for sha256, row in rows.items()
            if required <= row.keys() <= columns
        }

    def put(self, rows: Iterable[C]) -> None:
        """Store rows."""
        self._cache.put(self._producer, {row.sha256: _value(row) for row in rows})


def _value(row: ContentRow) -> bytes:
    if isinstance(row, Embedding):
        return np.asarray(row.vector, "<f4").tobytes()
    return json.dumps(asdict(row)).encode()


def _numbers(value: bytes) -> "array[float]":
    return array("f", np.frombuffer(value, "<f4").astype(np.float32).tobytes())
