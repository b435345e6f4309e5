"""The history of files: what happened to each file, when and in which run; a table of the ledger.

Only changes are written, so a run that finds everything unchanged adds nothing. The last event of a file is what the
pipeline knows about it, and what the next run compares it with.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

KEPT_EVENTS = 20
"""Number of events kept per file; older ones are deleted."""

DELETED_FILES_KEPT = timedelta(days=90)
"""How long to keep the history of deleted files, and everything computed from contents that no file has any more."""

HISTORY_SCHEMA = """
CREATE TABLE IF NOT EXISTS history (
    path TEXT NOT NULL,
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    run_id TEXT NOT NULL,
    event TEXT NOT NULL,
    partition_key TEXT NOT NULL,
    sha256 TEXT,
    reason TEXT,
    message TEXT,
    PRIMARY KEY (path, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS history_of_partition ON history (partition_key);
CREATE INDEX IF NOT EXISTS history_of_deleted ON history (at) WHERE event = 'deleted';
CREATE INDEX IF NOT EXISTS history_of_content ON history (sha256);
CREATE TABLE IF NOT EXISTS left_content (sha256 TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
"""
_IS_LAST = "number = (SELECT max(number) FROM history AS other WHERE other.path = history.path)"
_VARIABLES = 500  # older versions of SQLite allow at most 999 variables in a statement


class Event(StrEnum):
    """The kinds of events in the history of a file."""

    INDEXED = "indexed"
    REPLACED = "replaced"
    MOVED = "moved"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    DELETED = "deleted"


@dataclass(frozen=True)
class FileState:
    """The state of a file in a run: a point with the content `sha256`, or, with a `reason`, in quarantine."""

    sha256: str | None
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class FileEvent:
    """An event in the history of the file `path`.

    `indexed`: it became a point; `replaced`: the point has different content; `moved`: it is in a different partition,
    since its directory was split; `quarantined`: it went into quarantine for `reason`, with the library's own
    `message`; `released`: it left quarantine and is a point; `deleted`: it disappeared from disk. `at` is ISO 8601,
    UTC.
    """

    path: str
    at: str
    run_id: str
    event: Event
    partition_key: str
    sha256: str | None
    reason: str | None = None
    message: str | None = None


_COLUMNS = ", ".join(field.name for field in fields(FileEvent))


def events_between(
    before: Mapping[str, FileEvent], after: Mapping[str, FileState], partition_key: str, run_id: str, at: str
) -> list[FileEvent]:
    """The events that lead from the last events `before` (by path) to the states `after` of a partition's files.

    Events `before` in other partitions count only for files that are in this partition now.
    """
    events = []
    for path, state in after.items():
        event = _event(before.get(path), state, partition_key)
        if event is not None:
            events.append(FileEvent(path, at, run_id, event, partition_key, state.sha256, state.reason, state.message))
    for path, last in before.items():
        if path not in after and last.partition_key == partition_key and last.event is not Event.DELETED:
            events.append(FileEvent(path, at, run_id, Event.DELETED, partition_key, last.sha256))
    return events


def _event(last: FileEvent | None, state: FileState, partition_key: str) -> Event | None:
    if last is None or last.event is Event.DELETED:
        return Event.INDEXED if state.reason is None else Event.QUARANTINED
    if state.reason is not None and (last.reason, last.sha256) != (state.reason, state.sha256):
        return Event.QUARANTINED
    if state.reason is None and last.reason is not None:
        return Event.RELEASED
    if last.sha256 != state.sha256:
        return Event.REPLACED
    return Event.MOVED if last.partition_key != partition_key else None


def last_events(connection: sqlite3.Connection, partition_key: str, paths: Iterable[str] = ()) -> dict[str, FileEvent]:
    """The last event of each file that was last seen in a partition, and of each of `paths`, by path."""
    found = dict(_read(connection, f"partition_key = ? AND {_IS_LAST}", [partition_key]))
    others = [path for path in paths if path not in found]
    for start in range(0, len(others), _VARIABLES):
        some = others[start : start + _VARIABLES]
        found.update(_read(connection, f"path IN ({','.join('?' * len(some))}) AND {_IS_LAST}", some))
    return found


def events_of(connection: sqlite3.Connection, path: str) -> list[FileEvent]:
    """All events of a file, oldest first."""
    return [event for _, event in _read(connection, "path = ? ORDER BY number", [path])]


def files_there(connection: sqlite3.Connection) -> list[str]:
    """The paths of the files that are not deleted."""
    rows = connection.execute(f"SELECT path FROM history WHERE event != 'deleted' AND {_IS_LAST}")
    return [path for (path,) in rows]


def append(connection: sqlite3.Connection, events: Sequence[FileEvent]) -> None:
    """Write events, and delete events that are too old."""
    if not events:
        return
    for event in events:
        number, content = _last(connection, event.path)
        number += 1
        if content is not None and (content != event.sha256 or event.event is Event.DELETED):
            connection.execute("INSERT OR REPLACE INTO left_content VALUES (?, ?)", (content, event.at))
        connection.execute(
            f"INSERT INTO history (number, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (number, *astuple(event))
        )
        if number > KEPT_EVENTS:
            connection.execute("DELETE FROM history WHERE path = ? AND number <= ?", (event.path, number - KEPT_EVENTS))
    _forget_deleted_files(connection, events[-1].at)


def left_contents(connection: sqlite3.Connection, now: str) -> list[str]:
    """The sha256 of contents that files used to have, but no file has had for `DELETED_FILES_KEPT`.

    They are returned until `forget_contents` is called for them.
    """
    has_file = (
        "EXISTS (SELECT * FROM history WHERE history.sha256 = left_content.sha256 AND event != 'deleted' "
        "AND number = (SELECT max(number) FROM history AS other WHERE other.path = history.path))"
    )
    connection.execute(f"DELETE FROM left_content WHERE at < ? AND {has_file}", (_kept_since(now),))
    rows = connection.execute("SELECT sha256 FROM left_content WHERE at < ?", (_kept_since(now),))
    return [sha256 for (sha256,) in rows]


def forget_contents(connection: sqlite3.Connection, sha256s: Iterable[str]) -> None:
    """Record that everything computed from these contents has been deleted."""
    connection.executemany("DELETE FROM left_content WHERE sha256 = ?", ((sha256,) for sha256 in sha256s))


def _last(connection: sqlite3.Connection, path: str) -> tuple[int, str | None]:
    """The number of a file's last event, and the file's content then; 0 and None if the file is unknown."""
    last = connection.execute(
        "SELECT number, sha256 FROM history WHERE path = ? ORDER BY number DESC LIMIT 1", (path,)
    ).fetchone()
    return last or (0, None)


def _kept_since(now: str) -> str:
    return (datetime.fromisoformat(now) - DELETED_FILES_KEPT).astimezone(UTC).isoformat(timespec="seconds")


def _forget_deleted_files(connection: sqlite3.Connection, now: str) -> None:
    connection.execute(
        "DELETE FROM history WHERE path IN (SELECT path FROM history AS old WHERE event = 'deleted' AND at < ? "
        "AND number = (SELECT max(number) FROM history AS other WHERE other.path = old.path))",
        (_kept_since(now),),
    )


def _read(connection: sqlite3.Connection, where: str, values: Sequence[str]) -> Iterator[tuple[str, FileEvent]]:
    for path, at, run_id, event, *rest in connection.execute(f"SELECT {_COLUMNS} FROM history WHERE {where}", values):
        yield path, FileEvent(path, at, run_id, Event(event), *rest)
