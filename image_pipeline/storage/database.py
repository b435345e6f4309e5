"""A small SQLite database in the store, shared by several processes."""

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import StoreError

_BUSY_SECONDS = 60.0
_RETRY_SECONDS = 0.02


@dataclass(frozen=True)
class Database:
    """The database in `file` with the tables of `schema`; `remedy` ends the error message if it cannot be used."""

    file: Path
    schema: str
    remedy: str

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction: committed at the end of the block, or rolled back if the block raises.

        The database is opened each time, so that one that was deleted meanwhile is created again. Raises StoreError if
        it cannot be used.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.file, timeout=_BUSY_SECONDS)) as connection:
                _write_ahead(connection)
                # with WAL, NORMAL never corrupts; a power cut may lose the last transactions, which the next run redoes
                connection.execute("PRAGMA synchronous = NORMAL")
                self._make_tables(connection)
                with connection:
                    yield connection
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.file} cannot be used ({error}): {self.remedy}.") from error

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        """Create the tables of the schema, unless `user_version` shows that they exist: reading it is faster."""
        version = zlib.crc32(self.schema.encode()) >> 1  # SQLite's `user_version` is a signed 32-bit integer
        if connection.execute("PRAGMA user_version").fetchone() != (version,):
            connection.executescript(f"{self.schema};\nPRAGMA user_version = {version};")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL, in which writers and readers do not wait for each other.

    SQLite waits for other processes everywhere except here, where several may create the same database.
    """
    ends_at = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends_at:
                raise
            time.sleep(_RETRY_SECONDS)
