"""Contents that could not be decoded, or whose metadata could not be read: why, and when they are tried again.

A success is kept in the content cache under the version that made it, and is valid whatever the limits become. A
failure stands here, in the ledger: it holds for the limits within which it happened, and for narrower ones. What the
surroundings can have caused is tried again by itself, ever more rarely.
"""

import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.reason import PASSING, Reason
from image_pipeline.schema.rows import Stage
from image_pipeline.storage.database import Database

FIRST_RETRY_SECONDS, RETRY_GROWTH = 60.0, 4
"""A failure that may pass is tried again after a minute, and each time after four times as long: 4, 16 and 64 minutes,
4 and 17 hours, 3, 11 and 45 days …"""

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
_VARIABLES = 500  # SQLite's limit of variables in a statement was 999 for long


@dataclass(frozen=True)
class Failure:
    """A content that failed `tries` times in succession, by one version and within the same `limits`.

    `tried_at` is the time of the last try, in s since 1970; None where the next run is to try it, whatever the reason.
    """

    sha256: str
    version: str
    reason: Reason
    message: str
    limits: DecodeLimits
    tries: int
    tried_at: float | None

    def stands(self, limits: DecodeLimits, now: float) -> bool:
        """Whether there is no use in trying once more, within `limits`, at `now`."""
        if self.tried_at is None or limits.is_wider_than(self.limits, self.reason):
            return False
        # A time that is still to come is that of a clock that was set back since.
        return self.reason not in PASSING or self.tried_at <= now < self.tried_at + _delay(self.tries)


@dataclass(frozen=True)
class Failures:
    """The failures of a stage, as `version` of it makes them within `limits`."""

    database: Database
    stage: Stage
    version: str
    limits: DecodeLimits

    def standing(self, sha256s: Sequence[str]) -> dict[str, Failure]:
        """Those of the contents that there is no use in trying once more, by sha256.

        Raises StoreError where the ledger cannot be used.
        """
        now = time.time()
        return {
            sha256: failure
            for sha256, failure in self._known(sha256s).items()
            if failure.version == self.version and failure.stands(self.limits, now)
        }

    def record(self, failed: Mapping[str, tuple[Reason, str]], succeeded: Collection[str]) -> None:
        """Keep what came of the contents that were tried: why some `failed`, by sha256, and which `succeeded`.

        Raises StoreError where the ledger cannot be used.
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
        if before.tried_at is None:  # a person asked for this try: it puts off none that comes by itself
            return before.tries
        return before.tries + 1

    def _known(self, sha256s: Sequence[str]) -> dict[str, Failure]:
        found: dict[str, Failure] = {}
        if not sha256s:
            return found
        with self.database.transaction() as connection:
            for start in range(0, len(sha256s), _VARIABLES):
                some = sha256s[start : start + _VARIABLES]
                rows = connection.execute(
                    f"SELECT {_COLUMNS} FROM failure WHERE stage = ? AND sha256 IN ({','.join('?' * len(some))})",
                    (self.stage, *some),
                )
                found |= {row[0]: _failure(row) for row in rows}
        return found


def partitions_to_try(connection: sqlite3.Connection, limits: DecodeLimits, now: float) -> set[str]:
    """The partitions with a file in quarantine, or without metadata, whose content may do better now.

    That is so where a limit was raised, where the next try is due, and where it was read since, as another file's. What
    could not be read at all is told by the partition's fingerprint.
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
    """Let the next run try contents, whatever they failed for."""
    connection.executemany("UPDATE failure SET tried_at = NULL WHERE sha256 = ?", ((sha256,) for sha256 in sha256s))


def forget_failures(connection: sqlite3.Connection, sha256s: Iterable[str]) -> None:
    """No file has these contents any more."""
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
