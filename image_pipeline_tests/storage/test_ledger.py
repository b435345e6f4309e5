"""The ledger: what was ingested, what is in quarantine since when, what the sensor saw."""

from dataclasses import replace
from pathlib import Path

import pytest

from image_pipeline.errors import StoreError
from image_pipeline.files.names import to_text
from image_pipeline.files.plan import DirectorySnapshot, Ingested, ListedPartition
from image_pipeline.storage.ledger import Ledger, LedgerEntry, QuarantinedFile

ENTRY = LedgerEntry("2024/Rome", "f00d", 10, 8, 2, "images--0a1b2c3d", "recipe 1", "run-1", "2026-11-21T08:00:00+00:00")
BAD = QuarantinedFile(
    "2024/Rome", "2024/Rome/a.jpg", "ab", "truncated", "ends early", "run-1", "2026-11-21T08:00:00+00:00"
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "store" / "ledger.sqlite")


def test_a_new_store_has_ingested_nothing(ledger: Ledger) -> None:
    assert (ledger.entries(), ledger.ingested(), ledger.quarantine(), ledger.snapshots()) == ({}, {}, [], {})
    assert ledger.library() is None


def test_an_entry_replaces_the_one_before(ledger: Ledger) -> None:
    other = replace(ENTRY, key=to_text("Oslo\udcff"))
    ledger.record(other, [])
    ledger.record(ENTRY, [BAD])
    ledger.record(replace(ENTRY, files=11), [])
    assert ledger.entries() == {ENTRY.key: replace(ENTRY, files=11), other.key: other}
    assert ledger.quarantine() == []


def test_what_was_ingested_is_current_where_the_same_recipe_made_it(ledger: Ledger) -> None:
    ledger.record(ENTRY, [])
    assert ledger.ingested("recipe 1") == {ENTRY.key: Ingested("f00d", 10, True)}
    assert ledger.ingested("recipe 2") == {ENTRY.key: Ingested("f00d", 10, False)}
    assert ledger.ingested() == {ENTRY.key: Ingested("f00d", 10, True)}


def test_a_file_is_in_quarantine_since_its_first_run(ledger: Ledger) -> None:
    later = {"run_id": "run-2", "since": "2026-11-22T08:00:00+00:00"}
    locked = replace(BAD, path="2024/Rome/b.jpg", sha256=None, reason="unreadable")
    ledger.record(ENTRY, [BAD, locked])
    ledger.record(ENTRY, [replace(BAD, **later), replace(locked, **later)])
    assert ledger.quarantine() == [BAD, locked]
    changed = [replace(BAD, sha256="cd", **later), replace(locked, reason="empty", **later)]
    ledger.record(ENTRY, changed)
    assert ledger.quarantine() == changed
    ledger.record(ENTRY, [])
    ledger.record(ENTRY, [replace(BAD, **later)])
    assert ledger.quarantine() == [replace(BAD, **later)], "it had left in between"


def test_the_quarantine_of_one_partition_is_none_of_anothers_business(ledger: Ledger) -> None:
    oslo = replace(BAD, partition_key="Oslo", path="Oslo/a.jpg")
    ledger.record(replace(ENTRY, key="Oslo"), [oslo])
    ledger.record(ENTRY, [BAD])
    assert ledger.quarantine() == [BAD, oslo]
    ledger.forget(["Oslo", "never there"])
    assert ledger.quarantine() == [BAD]
    assert ledger.entries().keys() == {ENTRY.key}


def test_an_entry_and_its_quarantine_are_written_together_or_not_at_all(ledger: Ledger) -> None:
    ledger.record(ENTRY, [BAD])
    with pytest.raises(StoreError, match="UNIQUE"):
        ledger.record(replace(ENTRY, files=99), [BAD, BAD])
    assert ledger.entries() == {ENTRY.key: ENTRY}
    assert ledger.quarantine() == [BAD]


def test_what_the_sensor_saw_comes_back(ledger: Ledger) -> None:
    parts = (ListedPartition("big#0of2", 3, "aa"), ListedPartition("big#1of2", 4, "bb"))
    seen = [
        DirectorySnapshot("big", 1_763_712_000_123_456_789, parts, 1_763_712_000.25, 1_763_712_030.5),
        DirectorySnapshot("", 5, (), 1.0, 2.0),
    ]
    ledger.set_snapshots(seen)
    assert ledger.snapshots() == {sighting.directory: sighting for sighting in seen}
    ledger.set_snapshots(seen[1:])
    assert ledger.snapshots() == {"": seen[1]}


def test_a_ledger_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"a file")
    with pytest.raises(StoreError, match=r"ledger.sqlite cannot be used .*IMAGE_PIPELINE_HOME"):
        Ledger(tmp_path / "store" / "ledger.sqlite").entries()
