"""Sessions: the browsers in which somebody has given the password, kept in the store so that a restart ends none."""

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from image_pipeline.storage.database import Database

SESSION_SECONDS = 30 * 86400
"""How long a session lasts, in s."""

DEVICE_SECONDS = 400 * 86400
"""How long a browser is remembered as one in which the password was once right, in s: as long as browsers allow."""

_FRESH_SECONDS = 30.0  # after which another process's changes are seen
_MOST_KEPT = 10_000
_TOKEN_LENGTH = 43  # of 32 bytes in base64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS secret (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS session (digest BLOB PRIMARY KEY, password BLOB NOT NULL, ends REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS device (digest BLOB PRIMARY KEY, password BLOB NOT NULL, ends REAL NOT NULL) WITHOUT ROWID
"""


@dataclass
class Sessions:
    """The sessions in the database `file`, for several threads. Each method raises StoreError if it cannot be used.

    A session is a random token, of which the store has only a digest. It belongs to a password (any text that stands
    for it), and ends when the password is another one. `now` is the time, in s since 1970.
    """

    file: Path
    now: Callable[[], float] = time.time
    _known: dict[bytes, tuple[bytes, float, float]] = field(default_factory=dict)

    def begin(self, password: str) -> str:
        """The token of a new session."""
        return self._add("session", password, SESSION_SECONDS)

    def is_open(self, token: str, password: str) -> bool:
        """Whether a token is that of a session with this password."""
        if len(token) != _TOKEN_LENGTH:
            return False
        digest, now = _digest(token), self.now()
        known = self._known.get(digest)
        if known is None or now >= known[2]:
            found = self._find("session", digest)
            if found is None:
                self._known.pop(digest, None)
                return False
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            known = self._known[digest] = (*found, now + _FRESH_SECONDS)
        return known[1] > now and hmac.compare_digest(known[0], _digest(password))

    def end(self, token: str) -> None:
        """End a session."""
        digest = _digest(token)
        self._known.pop(digest, None)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM session WHERE digest = ?", (digest,))

    def remember_device(self, password: str) -> str:
        """A token for a browser in which the password was right, which says so later on."""
        return self._add("device", password, DEVICE_SECONDS)

    def is_known_device(self, token: str, password: str) -> bool:
        """Whether a token is that of a browser in which this password was right."""
        found = self._find("device", _digest(token)) if len(token) == _TOKEN_LENGTH else None
        return found is not None and found[1] > self.now() and hmac.compare_digest(found[0], _digest(password))

    @cached_property
    def secret(self) -> bytes:
        """Random bytes that only this store has, always the same."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO secret SELECT ? WHERE NOT EXISTS (SELECT 1 FROM secret)", (secrets.token_bytes(32),)
            )
            return bytes(connection.execute("SELECT value FROM secret").fetchone()[0])

    @property
    def _database(self) -> Database:
        return Database(self.file, _SCHEMA, "delete it, and everybody has to give the password again")

    def _add(self, table: str, password: str, seconds: float) -> str:
        token, now = secrets.token_urlsafe(32), self.now()
        with self._database.transaction() as connection:
            _delete_ended(connection, table, now)
            row = _digest(token), _digest(password), now + seconds
            connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", row)
        return token

    def _find(self, table: str, digest: bytes) -> tuple[bytes, float] | None:
        with self._database.transaction() as connection:
            row = connection.execute(f"SELECT password, ends FROM {table} WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else (bytes(row[0]), float(row[1]))


def _delete_ended(connection: sqlite3.Connection, table: str, now: float) -> None:
    connection.execute(f"DELETE FROM {table} WHERE ends <= ?", (now,))


def _digest(text: str) -> bytes:
    # tokens are random, and the password stands here as its argon2 hash: a fast digest is enough
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
