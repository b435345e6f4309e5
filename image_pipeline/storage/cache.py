"""The content cache: (sha256, producer) → value, in SQLite, shared by several processes.

It holds what was computed from an image's content, regardless of file and directory: embeddings, captions, metadata,
the outcome of decoding. It may be deleted at any time; its values are then computed again.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path

from image_pipeline.storage.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS content (
    producer TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (producer, sha256)
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
        found: dict[str, bytes] = {}
        if not sha256s:
            return found
        with self._database.transaction() as connection:
            for chunk in _chunks(sha256s):
                marks = ",".join("?" * len(chunk))
                found.update(
                    connection.execute(
                        f"SELECT sha256, value FROM content WHERE producer = ? AND sha256 IN ({marks})",
                        (producer, *chunk),
                    )
                )
        return found

    def put(self, producer: str, values: Mapping[str, bytes]) -> None:
        """Store values by sha256, replacing existing ones. Raises StoreError if the cache cannot be used."""
        if values:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO content (producer, sha256, value) VALUES (?, ?, ?)",
                    ((producer, sha256, value) for sha256, value in values.items()),
                )

    def take_over_successes(self, older: str, producer: str, new_column: str) -> None:
        """Copy the successes of older producers to `producer`, then delete all values of the older ones.

        The name of an older producer is `older`, or `older`, a space and a limit. A success is a row without a reason.
        `new_column` is null in rows that lack it. Raises StoreError if the cache cannot be used.
        """
        names = (older, f"{older} ", f"{older}!")  # the character after the space
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO content "
                "SELECT ?, sha256, CAST(json_insert(CAST(value AS TEXT), ?, NULL) AS BLOB) FROM content "
                "WHERE (producer = ? OR producer > ? AND producer < ?) "
                "AND json_extract(CAST(value AS TEXT), '$.reason') IS NULL",
                (producer, f"$.{new_column}", *names),
            )
            connection.execute("DELETE FROM content WHERE producer = ? OR producer > ? AND producer < ?", names)

    def delete(self, sha256s: Sequence[str]) -> None:
        """Delete the values of these contents from all producers. Raises StoreError if the cache cannot be used."""
        if sha256s:
            with self._database.transaction() as connection:
                producers = [producer for (producer,) in connection.execute(_PRODUCERS)]
                connection.executemany(
                    "DELETE FROM content WHERE producer = ? AND sha256 = ?", product(producers, sha256s)
                )


def _chunks(sha256s: Sequence[str]) -> Iterable[Sequence[str]]:
    return (sha256s[start : start + _VARIABLES] for start in range(0, len(sha256s), _VARIABLES))
