"""The content cache: (sha256, producer) → value, in SQLite, for several processes at once.

It holds what was computed from an image's content, whichever file or directory the content stood in: embeddings,
captions, metadata, the outcome of decoding. It may be deleted at any time; what it held is then computed again.
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
# each is looked up in the index behind the one before: a plain DISTINCT would read all values
_PRODUCERS = """
WITH RECURSIVE found (producer) AS (
    SELECT min(producer) FROM content
    UNION ALL
    SELECT (SELECT min(producer) FROM content WHERE producer > found.producer) FROM found WHERE producer IS NOT NULL
)
SELECT producer FROM found WHERE producer IS NOT NULL
"""
_VARIABLES = 500  # SQLite's limit of variables in a statement was 999 for long


class ContentCache:
    """The cache in `file`."""

    def __init__(self, file: Path) -> None:
        remedy = "make room in the store; if the file is damaged, delete it, it is made again"
        self._database = Database(file, _SCHEMA, remedy)

    def get(self, producer: str, sha256s: Sequence[str]) -> dict[str, bytes]:
        """The values that `producer` made of the contents `sha256s`, as far as there are any.

        Raises StoreError where the cache cannot be used.
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
        """Keep values by sha256; one that is there is replaced. Raises StoreError where the cache cannot be used."""
        if values:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO content (producer, sha256, value) VALUES (?, ?, ?)",
                    ((producer, sha256, value) for sha256, value in values.items()),
                )

    def take_over_successes(self, older: str, producer: str) -> None:
        """Let `producer` have those rows, without a reason, of the producers whose names are `older` and a limit.

        What they rejected is deleted. Raises StoreError where the cache cannot be used.
        """
        names = (f"{older} ", f"{older}!")  # the character after the space
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO content SELECT ?, sha256, value FROM content "
                "WHERE producer > ? AND producer < ? AND json_extract(CAST(value AS TEXT), '$.reason') IS NULL",
                (producer, *names),
            )
            connection.execute("DELETE FROM content WHERE producer > ? AND producer < ?", names)

    def delete(self, sha256s: Sequence[str]) -> None:
        """Forget all that was made of contents, by whatever producer. Raises StoreError where it cannot be used."""
        if sha256s:
            with self._database.transaction() as connection:
                producers = [producer for (producer,) in connection.execute(_PRODUCERS)]
                connection.executemany(
                    "DELETE FROM content WHERE producer = ? AND sha256 = ?", product(producers, sha256s)
                )


def _chunks(sha256s: Sequence[str]) -> Iterable[Sequence[str]]:
    return (sha256s[start : start + _VARIABLES] for start in range(0, len(sha256s), _VARIABLES))
