"""Failures: contents that could not be decoded, or whose metadata could not be read, and when to try them again.

A success is stored in the content cache under the version that made it, and stays valid when the limits change. A
failure is stored here, in the ledger: it holds for the limits under which it happened, and for narrower ones. Failures
that the environment can cause are retried automatically, at growing intervals.
"""

import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import PASSING, Reason
from image_pipeline.schema.rows import Stage
from image_pipeline.storage.database import Database

FIRST_RETRY_SECONDS, RETRY_GROWTH = 60.0, 4
"""A failure that may pass is retried after a minute, and then at intervals that grow fourfold.

These are 4, 16 and 64 minutes, 4 and 17 hours, 3, 11 and 45 days …
"""

FAILURES_SCHEMA = """
CREATE TABLE IF NOT EXISTS failure (
    stage TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    version TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    seconds REAL NOT NULL,
    address_space_bytes INTEGER NOT NULL,
    pixels INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    tried_at REAL,
    PRIMARY KEY (stage, sha256)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS without_metadata (
    partition_key TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (partition_key, path)
) WITHOUT ROWID;
"""
_COLUMNS = "sha256, version, reason, message, seconds, address_space_bytes, pixels, tries, tried_at"
_VARIABLES = 500  # older versions of SQLite allow at most 999 variables in a statement


@dataclass(frozen=True)
class Failure:
    """A content that failed `tries` times in succession, with one version and under the same `limits`.

    `tried_at` is the time of the last try, in s since 1970; None if the next run is to try it, whatever the reason.
    """

    sha256: str
    version: str
    reason: Reason
    message: str
    limits: DecodeLimits
    tries: int
    tried_at: float | None

    def stands(self, limits: DecodeLimits, now: float) -> bool:
        """Whether the failure still holds, so that another try at `now`, within `limits`, would be useless."""
        if self.tried_at is None or limits.is_wider_than(self.limits, self.reason):
            return False
        # A time in the future means that the clock was set back since.
        return self.reason not in PASSING or self.tried_at <= now < self.tried_at + _delay(self.tries)


@dataclass(frozen=True)
class Failures:
    """The failures of a stage for `version` and `limits`."""

    database: Database
    stage: Stage
    version: str
    limits: DecodeLimits

    def standing(self, sha256s: Sequence[str]) -> dict[str, Failure]:
        """The failures among these contents that still hold, by sha256.

        Raises StoreError if the ledger cannot be used.
        """
        now = time.time()
        return {
            sha256: failure
            for sha256, failure in self._known(sha256s).items()
            if failure.version == self.version and failure.stands(self.limits, now)
        }

    def record(self, failed: Mapping[str, tuple[Reason, str]], succeeded: Collection[str]) -> None:
        """Record the outcome of the contents that were tried: which `failed`, and why, and which `succeeded`.

        Raises StoreError if the ledger cannot be used.
        """
        before, now = self._known(list(failed)), time.time()
        limits = (self.limits.seconds, self.limits.address_space_bytes, self.limits.pixels)
        with self.database.transaction() as connection:
            connection.executemany(
                "DELETE FROM failure WHERE stage = ? AND sha256 = ?", ((self.stage, sha256) for sha256 in succeeded)
            )
            connection.executemany(
                f"INSERT OR REPLACE INTO failure (stage, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (self.stage, sha256, self.version, reason, message, *limits, self._tries(before.get(sha256)), now)
                    for sha256, (reason, message) in failed.items()
                ),
            )

    def _tries(self, before: Failure | None) -> int:
        if before is None or before.version != self.version or self.limits.is_wider_than(before.limits, before.reason):
            return 1
        if before.tried_at is None:  # requested by a person: it does not delay the automatic retries
            return before.tries
        return before.tries + 1

    def _known(self, sha256s: Sequence[str]) -> dict[str, Failure]:
        found: dict[str, Failure] = {}
        if not sha256s:
            return found
        with self.database.transaction() as connection:
            for start in range(0, len(sha256s), _VARIABLES):
                chunk = sha256s[start : start + _VARIABLES]
                rows = connection.execute(
                    f"SELECT {_COLUMNS} FROM failure WHERE stage = ? AND sha256 IN ({','.join('?' * len(chunk))})",
                    (self.stage, *chunk),
                )
                found |= {row[0]: _failure(row) for row in rows}
        return found


def partitions_to_try(connection: sqlite3.Connection, limits: DecodeLimits, now: float) -> set[str]:
    """The partitions with a file in quarantine, or without metadata, whose content may succeed now.

    This is so if a limit was raised, if the next try is due, or if the same content has been read since in another
    file. Files whose bytes could not be read are covered by the partition's fingerprint.
    """
    bad = (
        "SELECT partition_key, sha256, ? AS stage FROM quarantine WHERE reason != ? "
        "UNION SELECT partition_key, sha256, ? FROM without_metadata"
    )
    rows = connection.execute(
        f"SELECT partition_key, {_COLUMNS} FROM ({bad}) LEFT JOIN failure USING (stage, sha256)",
        (Stage.DECODED_TENSORS, Reason.UNREADABLE, Stage.IMAGE_METADATA),
    )
    return {key for key, *row in rows if row[1] is None or not _failure(row).stands(limits, now)}


def try_again(connection: sqlite3.Connection, sha256s: Iterable[str]) -> None:
    """Make the next run try these contents, whatever they failed for."""
    connection.executemany("UPDATE failure SET tried_at = NULL WHERE sha256 = ?", ((sha256,) for sha256 in sha256s))


def forget_failures(connection: sqlite3.Connection, sha256s: Iterable[str]) -> None:
    """Delete the failures of contents that no file has any more."""
    connection.executemany("DELETE FROM failure WHERE sha256 = ?", ((sha256,) for sha256 in sha256s))


def _delay(tries: int) -> float:
    return FIRST_RETRY_SECONDS * float(RETRY_GROWTH) ** min(tries - 1, 20)


def _failure(row: Sequence[object]) -> Failure:
    sha256, version, reason, message, seconds, address_space_bytes, pixels, tries, tried_at = row
    return Failure(
        str(sha256),
        str(version),
        Reason(str(reason)),
        str(message),
        DecodeLimits(seconds, address_space_bytes, pixels),  # type: ignore[arg-type]
        int(tries),  # type: ignore[call-overload]
        tried_at,  # type: ignore[arg-type]
    )
