"""The history of files: what happened to each, when and in which run; a table of the ledger, written with it.

Only what changed is written, so that a run that finds everything as it was adds nothing. The last event of a file tells
what the pipeline knows of it, and is what the next run is compared with.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

KEPT_EVENTS = 20
"""Events kept of a file; older ones are deleted."""

DELETED_FILES_KEPT = timedelta(days=90)
"""How long the history of a deleted file is kept, and what was made of a content that no file has any more."""

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
_VARIABLES = 500  # SQLite's limit of variables in a statement was 999 for long


class Event(StrEnum):
    """What can happen to a file."""

    INDEXED = "indexed"
    REPLACED = "replaced"
    MOVED = "moved"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    DELETED = "deleted"


@dataclass(frozen=True)
class FileState:
    """What a run found a file to be: a point with the content `sha256`, or, with a `reason`, in quarantine."""

    sha256: str | None
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class FileEvent:
    """Something that happened to the file `path`.

    `indexed`: it became a point; `replaced`: the point has another content; `moved`: it is in another partition, as
    its directory was split; `quarantined`: for `reason`, and with the library's own `message`; `released`: it left
    quarantine and is a point; `deleted`: it is gone from disk. `at` is ISO 8601, UTC.
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
    """What happened to the files of a partition that were last seen as `before` tells, by path, and are `after` now.

    Of `before`, what is in another partition counts only for a file that is in this one now.
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
    """What happened to a file, oldest first."""
    return [event for _, event in _read(connection, "path = ? ORDER BY number", [path])]


def files_there(connection: sqlite3.Connection) -> list[str]:
    """The paths of the files that are not deleted."""
    rows = connection.execute(f"SELECT path FROM history WHERE event != 'deleted' AND {_IS_LAST}")
    return [path for (path,) in rows]


def append(connection: sqlite3.Connection, events: Sequence[FileEvent]) -> None:
    """Write events; delete what is too old."""
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
    """The sha256 of contents that files had, of which none has had them for `DELETED_FILES_KEPT`.

    They are told until `forget_contents` is told that nothing is left of them.
    """
    has_file = (
        "EXISTS (SELECT * FROM history WHERE history.sha256 = left_content.sha256 AND event != 'deleted' "
        "AND number = (SELECT max(number) FROM history AS other WHERE other.path = history.path))"
    )
    connection.execute(f"DELETE FROM left_content WHERE at < ? AND {has_file}", (_kept_since(now),))
    rows = connection.execute("SELECT sha256 FROM left_content WHERE at < ?", (_kept_since(now),))
    return [sha256 for (sha256,) in rows]


def forget_contents(connection: sqlite3.Connection, sha256s: Iterable[str]) -> None:
    """Nothing is left of these contents."""
    connection.executemany("DELETE FROM left_content WHERE sha256 = ?", ((sha256,) for sha256 in sha256s))


def _last(connection: sqlite3.Connection, path: str) -> tuple[int, str | None]:
    """The number of a file's last event, and its content then; 0 and None where nothing is known of the file."""
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
