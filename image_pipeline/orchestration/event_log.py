"""How Dagster's own records are written, where they are in SQLite: in batches, without a wait for the disk each time.

For each partition that a stage makes, Dagster has two events to keep. It writes each in transactions of its own, on
connections and engines opened anew, and waits for the disk at the end of each, so that a small directory took longer
to be recorded than to be ingested. What is written is the same.
"""

import os
import sqlite3
from collections.abc import Sequence
from itertools import groupby

from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorageTable, SqliteEventLogStorage
from sqlalchemy import Engine, event

_BATCH_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
_BATCH = 200


def write_records_quickly() -> None:
    """Let this process write Dagster's records in batches, and SQLite sync at checkpoints only.

    In WAL mode, in which Dagster's databases are, that corrupts nothing; a power cut may cost the records of the last
    seconds, and nothing of the pipeline's own. Dagster itself asks for batches where the variable is set, and leaves
    it to the storage what to make of them: that for SQLite, alone, makes single events of them again.
    """
    os.environ.setdefault(_BATCH_VARIABLE, str(_BATCH))
    if not event.contains(Engine, "connect", _sync_at_checkpoints):
        event.listen(Engine, "connect", _sync_at_checkpoints)
        setattr(SqliteEventLogStorage, "store_event_batch", _store_event_batch)  # noqa: B010 (a method of a class)


def _sync_at_checkpoints(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")


def _store_event_batch(storage: SqliteEventLogStorage, events: Sequence[EventLogEntry]) -> None:
    """Store events as `store_event` does: those of assets together, others one by one."""
    for (run_id, is_of_asset), some in groupby(events, lambda e: (e.run_id, e.dagster_event_type in ASSET_EVENTS)):
        if is_of_asset:
            _store_asset_events(storage, run_id, list(some))
        else:
            for one in some:
                storage.store_event(one)


def _store_asset_events(storage: SqliteEventLogStorage, run_id: str, events: list[EventLogEntry]) -> None:
    rows = [storage._event_to_row(one) for one in events]
    insert = SqlEventLogStorageTable.insert()
    with storage.run_connection(run_id) as connection:
        connection.execute(insert, rows)
    with storage.index_transaction() as connection:
        keys = [connection.execute(insert, row).inserted_primary_key for row in rows]
        ids = [key[0] for key in keys if key is not None]
        storage._store_asset_event_tags(connection, events, ids)
        # the row of an asset tells of its last event of each kind
        last = {
            (one.get_dagster_event().asset_key, one.dagster_event_type): (one, number)
            for one, number in zip(events, ids, strict=True)
        }
        for one, number in last.values():
            storage._store_asset_event(connection, one, number)
