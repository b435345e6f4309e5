"""The ledger: what was ingested of each partition, the quarantine, the history of files, the sensor's observations."""

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from image_pipeline.files.names import from_text, to_text
from image_pipeline.files.plan import OUTDATED, DirectorySnapshot, Ingested, ListedPartition
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.rows import Stage
from image_pipeline.storage.database import Database
from image_pipeline.storage.failures import (
    FAILURES_SCHEMA,
    Failures,
    forget_failures,
    partitions_to_try,
    try_again,
)
from image_pipeline.storage.history import (
    HISTORY_SCHEMA,
    FileEvent,
    FileState,
    append,
    events_between,
    events_of,
    files_there,
    forget_contents,
    last_events,
    left_contents,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS library (root TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS partition (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    files INTEGER NOT NULL,
    indexed INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    collection TEXT NOT NULL,
    recipe TEXT NOT NULL,
    run_id TEXT NOT NULL,
    ingested_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
    partition_key TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    run_id TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (partition_key, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sighting (
    directory TEXT PRIMARY KEY,
    mtime_ns INTEGER NOT NULL,
    partitions TEXT NOT NULL,
    since REAL NOT NULL,
    checked_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS damaged (
    partition_key TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    damaged TEXT NOT NULL,
    PRIMARY KEY (partition_key, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS renamed (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class LedgerEntry:
    """What was ingested of a partition.

    `fingerprint` is that of its files, `collection` the version of the collection that holds its points, and `recipe`
    names the versions of everything that contributes to a point: decoder, metadata reader, models.
    """

    key: str
    fingerprint: str
    files: int
    indexed: int
    quarantined: int
    collection: str
    recipe: str
    run_id: str
    ingested_at: str


@dataclass(frozen=True)
class QuarantinedFile:
    """A file that could not be read: `reason` is a code of the closed list, `message` the library's own message.

    `run_id` and `since` (ISO 8601, UTC) are the run and the time at which it went into quarantine for this reason.
    """

    partition_key: str
    path: str
    sha256: str | None
    reason: str
    message: str
    run_id: str
    since: str


@dataclass(frozen=True)
class FileWithoutMetadata:
    """A file that is a point although its metadata could not be read."""

    partition_key: str
    path: str
    sha256: str


@dataclass(frozen=True)
class DamagedFile:
    """A file that is a point although a part of its picture, which `damaged` names, is missing."""

    partition_key: str
    path: str
    sha256: str
    damaged: str


class Ledger:
    """The ledger in `file`."""

    def __init__(self, file: Path) -> None:
        self._database = Database(
            file,
            _SCHEMA + HISTORY_SCHEMA + FAILURES_SCHEMA,
            "make room in the store, or set IMAGE_PIPELINE_HOME to a writable folder; if the file is damaged, delete "
            "it, and the next run fills it again without running a model",
        )

    @property
    def file(self) -> Path:
        """Its path, directly in the store."""
        return self._database.file

    def library(self) -> Path | None:
        """The library that the store was made for."""
        return next(iter(self.libraries()), None)

    def libraries(self) -> list[Path]:
        """The current folder of the library first, then its earlier ones, latest first."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT root FROM library ORDER BY rowid DESC")
            return [Path(from_text(root)) for (root,) in rows]

    def set_library(self, root: Path) -> None:
        """Record the folder of the store's library, or the folder that it has moved to."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM library WHERE root = ?", (to_text(str(root)),))
            connection.execute("INSERT INTO library (root) VALUES (?)", (to_text(str(root)),))

    def entries(self) -> dict[str, LedgerEntry]:
        """All entries, by partition key."""
        columns = ", ".join(field.name for field in fields(LedgerEntry))
        with self._database.transaction() as connection:
            rows = connection.execute(f"SELECT {columns} FROM partition ORDER BY key")
            return {row[0]: LedgerEntry(*row) for row in rows}

    def photographs(self) -> dict[str, int]:
        """The number of points in each version of the collection, without those of outdated partitions."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT collection, SUM(indexed) FROM partition WHERE substr(fingerprint, 1, 1) != ? "
                "GROUP BY collection",
                (OUTDATED,),
            )
            return dict(rows.fetchall())

    def ingested(self, recipe: str | None = None, versions: Collection[str] | None = None) -> dict[str, Ingested]:
        """What was ingested, by key.

        An entry is current if it was made by `recipe` (None: any) and is in one of `versions` of the collection (None:
        any). A Qdrant that was lost or replaced has none of the versions in the ledger.
        """

        def is_current(entry: LedgerEntry) -> bool:
            return (recipe is None or entry.recipe == recipe) and (versions is None or entry.collection in versions)

        return {
            key: Ingested(entry.fingerprint, entry.files, is_current(entry)) for key, entry in self.entries().items()
        }

    def record(
        self,
        entry: LedgerEntry,
        quarantined: Sequence[QuarantinedFile],
        indexed: Mapping[str, str] | None = None,
        without_metadata: Mapping[str, str] | None = None,
        damaged: Mapping[str, tuple[str, str]] | None = None,
    ) -> list[FileEvent]:
        """Replace a partition's entry and quarantine in one transaction; records and returns the events of its files.

        `indexed` holds the sha256 of each file that is a point, by path, and `without_metadata` those of files whose
        metadata could not be read; `damaged` holds the sha256 of damaged ones, and what is missing of each. A file that
        stays in quarantine with the same content and reason keeps the run and time of its first entry.
        """
        states = {path: FileState(sha256) for path, sha256 in (indexed or {}).items()}
        states |= {file.path: FileState(file.sha256, file.reason, file.message) for file in quarantined}
        with self._database.transaction() as connection:
            last = last_events(connection, entry.key, states)
            events = events_between(last, states, entry.key, entry.run_id, entry.ingested_at)
            append(connection, events)
            before = {file.path: file for file in self._quarantine(connection, entry.key)}
            connection.execute("DELETE FROM quarantine WHERE partition_key = ?", (entry.key,))
            for file in quarantined:
                known = before.get(file.path)
                same = known is not None and (known.sha256, known.reason) == (file.sha256, file.reason)
                row = replace(file, run_id=known.run_id, since=known.since) if known and same else file
                connection.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(row))
            connection.execute("DELETE FROM without_metadata WHERE partition_key = ?", (entry.key,))
            connection.executemany(
                "INSERT INTO without_metadata VALUES (?, ?, ?)",
                ((entry.key, path, sha256) for path, sha256 in (without_metadata or {}).items()),
            )
            connection.execute("DELETE FROM damaged WHERE partition_key = ?", (entry.key,))
            connection.executemany(
                "INSERT INTO damaged VALUES (?, ?, ?, ?)",
                ((entry.key, path, *values) for path, values in (damaged or {}).items()),
            )
            connection.execute("INSERT OR REPLACE INTO partition VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(entry))
        return events

    def set_outdated(self, keys: Iterable[str]) -> None:
        """Make partitions count as changed, whatever they look like on disk, until they are ingested again."""
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE partition SET fingerprint = ? || fingerprint WHERE key = ? AND substr(fingerprint, 1, 1) != ?",
                ((OUTDATED, key, OUTDATED) for key in keys),
            )

    def move(self, entries: Iterable[LedgerEntry], version: str) -> None:
        """Record that the points of `entries` are in a different version now; entries that changed since stay."""
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE partition SET collection = ? WHERE key = ? AND collection = ? AND fingerprint = ?",
                ((version, entry.key, entry.collection, entry.fingerprint) for entry in entries),
            )

    def renamed(self) -> set[str]:
        """The partitions whose directory was found under a different name, and that are not retired yet."""
        with self._database.transaction() as connection:
            return {key for (key,) in connection.execute("SELECT key FROM renamed")}

    def set_renamed(self, keys: Collection[str]) -> None:
        """Replace `renamed`."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM renamed")
            connection.executemany("INSERT INTO renamed VALUES (?)", ((key,) for key in keys))

    def failures(self, stage: Stage, version: str, limits: DecodeLimits) -> Failures:
        """The failures of `version` of a stage within `limits`."""
        return Failures(self._database, stage, version, limits)

    def set_outdated_to_try(self, limits: DecodeLimits) -> dict[str, str]:
        """Make partitions count as changed if they have a failed file that is due to be tried again.

        Returns their keys, each with the run that ingested it last.
        """
        with self._database.transaction() as connection:
            keys = partitions_to_try(connection, limits, time.time())
        self.set_outdated(keys)
        return {key: entry.run_id for key, entry in self.entries().items() if key in keys} if keys else {}

    def try_again(self, sha256s: Iterable[str]) -> None:
        """Make the next run of their partitions try these contents again, whatever they failed for."""
        with self._database.transaction() as connection:
            try_again(connection, sha256s)

    def without_metadata(self) -> list[FileWithoutMetadata]:
        """The files that are points although their metadata could not be read, by path."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT partition_key, path, sha256 FROM without_metadata ORDER BY path")
            return [FileWithoutMetadata(*row) for row in rows]

    def damaged(self) -> list[DamagedFile]:
        """The files that are points although they are damaged, by path."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT partition_key, path, sha256, damaged FROM damaged ORDER BY path")
            return [DamagedFile(*row) for row in rows]

    def history(self, path: str) -> list[FileEvent]:
        """All events of a file, oldest first."""
        with self._database.transaction() as connection:
            return events_of(connection, path)

    def forget(self, keys: Sequence[str], run_id: str = "") -> None:
        """Delete the entries and the quarantine of partitions that no longer exist.

        `run_id` is the run that found this.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database.transaction() as connection:
            for key in keys:
                append(connection, events_between(last_events(connection, key), {}, key, run_id, now))
            tables = (
                ("partition", "key"),
                ("renamed", "key"),
                ("quarantine", "partition_key"),
                ("without_metadata", "partition_key"),
                ("damaged", "partition_key"),
            )
            for table, column in tables:
                connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", ((key,) for key in keys))

    def files(self) -> list[str]:
        """The paths of all files that are points or in quarantine."""
        with self._database.transaction() as connection:
            return files_there(connection)

    def left_contents(self, now: str) -> list[str]:
        """The sha256 of contents that no file has had for a long time: see `history.left_contents`."""
        with self._database.transaction() as connection:
            return left_contents(connection, now)

    def forget_contents(self, sha256s: Sequence[str]) -> None:
        """Record that everything computed from these contents has been deleted."""
        with self._database.transaction() as connection:
            forget_contents(connection, sha256s)
            forget_failures(connection, sha256s)

    def quarantine(self) -> list[QuarantinedFile]:
        """The files in quarantine, by path."""
        with self._database.transaction() as connection:
            return sorted(self._quarantine(connection), key=lambda file: file.path)

    @staticmethod
    def _quarantine(connection: sqlite3.Connection, key: str | None = None) -> list[QuarantinedFile]:
        where, values = ("", ()) if key is None else (" WHERE partition_key = ?", (key,))
        columns = ", ".join(field.name for field in fields(QuarantinedFile))
        return [QuarantinedFile(*row) for row in connection.execute(f"SELECT {columns} FROM quarantine{where}", values)]

    def snapshots(self) -> dict[str, DirectorySnapshot]:
        """What the sensor saw last, by directory."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT directory, mtime_ns, partitions, since, checked_at FROM sighting")
            return {
                directory: DirectorySnapshot(
                    directory, mtime_ns, tuple(ListedPartition(*part) for part in json.loads(partitions)), *times
                )
                for directory, mtime_ns, partitions, *times in rows
            }

    def set_snapshots(self, snapshots: Iterable[DirectorySnapshot]) -> None:
        """Replace everything that the sensor saw."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sighting")
            connection.executemany(
                "INSERT INTO sighting VALUES (?, ?, ?, ?, ?)",
                (
                    (s.directory, s.mtime_ns, json.dumps([astuple(p) for p in s.partitions]), s.since, s.checked_at)
                    for s in snapshots
                ),
            )
