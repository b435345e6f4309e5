"""Watching a library: what is new or changed is told once it has been quiet, and nothing half copied."""

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from image_pipeline.errors import LibraryError
from image_pipeline.files.plan import DirectorySnapshot, Ingested, State
from image_pipeline.files.watch import LibrarySnapshot, due_states, take_snapshot
from image_pipeline_tests.files.conftest import picture
from image_pipeline_tests.support.rights import unprivileged

SETTLE, SWEEP = 30.0, 600.0


@dataclass
class Watcher:
    """Looks at a library as the sensor does, with a clock that the test turns."""

    root: Path
    partition_size: int = 100
    now: float = 1_000_000.0
    budget: float = 60.0
    snapshots: dict[str, DirectorySnapshot] = field(default_factory=dict)
    ingested: dict[str, Ingested] = field(default_factory=dict)

    def take_snapshot(self, seconds_later: float = 0.0) -> LibrarySnapshot:
        self.now += seconds_later
        looked = take_snapshot(
            self.root, self.snapshots, self.ingested, self.partition_size, self.now, SWEEP, self.budget
        )
        self.snapshots = looked.snapshots
        return looked

    def settled(self, seconds_later: float = 0.0) -> dict[str, State]:
        states = due_states(self.take_snapshot(seconds_later), self.ingested, self.now, SETTLE).settled
        return {state.key: state.state for state in states}

    def ingest(self) -> None:
        """What a run does: everything that is on disk was ingested."""
        parts = [part for snapshot in self.snapshots.values() for part in snapshot.partitions]
        self.ingested = {part.key: Ingested(part.fingerprint, part.files) for part in parts}


def write(root: Path, *paths: str, content: bytes = b"") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content or picture())


@pytest.fixture
def watcher(library: Path) -> Watcher:
    """A library of two directories that were ingested."""
    write(library, "rome/1.jpg", "rome/2.jpg", "oslo/1.jpg")
    watcher = Watcher(library)
    assert watcher.settled() == {}
    assert watcher.settled(SETTLE) == {"rome": State.NEW, "oslo": State.NEW}
    watcher.ingest()
    assert watcher.settled(1) == {}
    return watcher


def test_a_clock_that_is_set_back_holds_up_nothing(watcher: Watcher) -> None:
    write(watcher.root, "paris/1.jpg")
    assert watcher.settled(1) == {}
    edited = watcher.root / "rome/1.jpg"
    edited.write_bytes(edited.read_bytes() + b"more")
    assert watcher.settled(-1e6) == {}
    assert watcher.settled(SETTLE) == {"paris": State.NEW, "rome": State.CHANGED}


def test_a_new_directory_is_told_once_it_is_quiet(watcher: Watcher) -> None:
    write(watcher.root, "paris/1.jpg")
    assert watcher.settled(1) == {}
    assert watcher.settled(SETTLE - 1) == {}
    assert watcher.settled(1) == {"paris": State.NEW}
    assert watcher.settled(100) == {"paris": State.NEW}, "told until it is ingested"
    watcher.ingest()
    assert watcher.settled(100) == {}


def test_a_directory_that_is_still_being_copied_is_waited_for(watcher: Watcher) -> None:
    for n in range(5):
        write(watcher.root, f"paris/{n}.jpg")
        assert watcher.settled(SETTLE - 1) == {}
    assert watcher.settled(SETTLE) == {"paris": State.NEW}


def test_a_file_that_is_still_growing_is_waited_for(watcher: Watcher) -> None:
    write(watcher.root, "paris/1.jpg")
    for _ in range(5):
        with (watcher.root / "paris/1.jpg").open("ab") as file:  # changes nothing of the directory itself
            file.write(b"more")
        assert watcher.settled(SETTLE - 1) == {}
    assert watcher.settled(SETTLE) == {"paris": State.NEW}


def test_a_file_that_came_or_went_is_told_by_the_directory(watcher: Watcher) -> None:
    write(watcher.root, "rome/3.jpg")
    (watcher.root / "oslo/1.jpg").rename(watcher.root / "oslo/renamed.jpg")
    assert watcher.settled(1) == {}
    assert watcher.settled(SETTLE) == {"rome": State.CHANGED, "oslo": State.CHANGED}


def test_a_file_edited_in_place_is_found_by_the_sweep(watcher: Watcher) -> None:
    before = (watcher.root / "rome").stat().st_mtime_ns
    write(watcher.root, "rome/1.jpg", content=picture("PNG"))
    assert (watcher.root / "rome").stat().st_mtime_ns == before
    assert watcher.settled(SETTLE) == {}
    assert watcher.settled(SWEEP) == {}, "found, but not known to be quiet"
    assert watcher.settled(SETTLE) == {"rome": State.CHANGED}


def test_quiet_directories_are_not_listed_again(watcher: Watcher) -> None:
    checked = {name: snapshot.checked_at for name, snapshot in watcher.snapshots.items()}
    watcher.take_snapshot(SWEEP / 2)
    assert {name: snapshot.checked_at for name, snapshot in watcher.snapshots.items()} == checked
    watcher.take_snapshot(SWEEP / 2)
    assert {snapshot.checked_at for snapshot in watcher.snapshots.values()} == {watcher.now}


def test_a_directory_that_is_gone_is_told_once_it_stays_away(watcher: Watcher) -> None:
    shutil.rmtree(watcher.root / "oslo")
    assert watcher.settled(1) == {}
    assert watcher.settled(SETTLE) == {"oslo": State.GONE}
    del watcher.ingested["oslo"]
    assert watcher.settled(1) == {}
    watcher.take_snapshot(1)
    assert "oslo" not in watcher.snapshots, "forgotten, as nothing of it is left"


def test_a_directory_that_was_emptied_is_gone(watcher: Watcher) -> None:
    (watcher.root / "oslo/1.jpg").unlink()
    assert watcher.settled(1) == {}
    assert watcher.settled(SETTLE) == {"oslo": State.GONE}


def test_a_directory_that_went_before_it_was_ever_seen_is_gone(watcher: Watcher) -> None:
    shutil.rmtree(watcher.root / "oslo")
    watcher.snapshots = {}
    assert watcher.settled() == {}
    assert watcher.settled(SETTLE) == {"oslo": State.GONE}


def test_a_renamed_directory_is_one_that_came_and_one_that_went(watcher: Watcher) -> None:
    (watcher.root / "oslo").rename(watcher.root / "bergen")
    watcher.take_snapshot(1)
    assert watcher.settled(SETTLE) == {"oslo": State.GONE, "bergen": State.NEW}


def test_a_directory_that_comes_back_in_time_was_never_gone(watcher: Watcher) -> None:
    (watcher.root / "oslo").rename(watcher.root / "moved")
    assert watcher.settled(1) == {}
    (watcher.root / "moved").rename(watcher.root / "oslo")
    assert watcher.settled(1) == {}
    assert watcher.settled(SETTLE) == {}


def test_a_directory_without_pictures_is_nothing_to_do(watcher: Watcher) -> None:
    write(watcher.root, "documents/letter.pdf", "documents/.hidden.jpg")
    (watcher.root / "empty").mkdir()
    watcher.take_snapshot(1)
    assert watcher.settled(SETTLE) == {}


def test_a_directory_that_outgrows_its_parts_splits(watcher: Watcher) -> None:
    watcher.partition_size = 2
    write(watcher.root, "rome/3.jpg")
    watcher.take_snapshot(1)
    assert watcher.settled(SETTLE) == {"rome#0of2": State.NEW, "rome#1of2": State.NEW, "rome": State.GONE}


def test_a_partition_that_counts_as_not_ingested_is_told_again(watcher: Watcher) -> None:
    watcher.ingested["rome"] = Ingested("", 2)  # as the ledger has it where a file could not be read
    assert watcher.settled(1) == {"rome": State.CHANGED}


def test_a_library_that_is_empty_or_away_is_not_gone(watcher: Watcher) -> None:
    for directory in ("rome", "oslo"):
        shutil.rmtree(watcher.root / directory)
    with pytest.raises(LibraryError, match="empty, although 3 files of it were ingested"):
        watcher.settled(SETTLE)
    watcher.root.rmdir()
    with pytest.raises(LibraryError, match="does not exist"):
        watcher.take_snapshot(1)
    watcher.root.mkdir()


def test_a_directory_that_cannot_be_listed_holds_up_no_other_and_is_not_gone(watcher: Watcher) -> None:
    write(watcher.root, "private/inner/1.jpg", "private/2.jpg")
    watcher.settled()
    watcher.settled(SETTLE)
    watcher.ingest()
    write(watcher.root, "private/inner/3.jpg", "paris/1.jpg")
    shutil.rmtree(watcher.root / "oslo")
    (watcher.root / "private").chmod(0)
    with unprivileged():
        assert watcher.take_snapshot(1).unlisted.directories == ["private"]
        assert watcher.settled(SETTLE) == {"paris": State.NEW, "oslo": State.GONE}
        assert watcher.settled(SWEEP) == {"paris": State.NEW, "oslo": State.GONE}, "also when all is looked at again"
    (watcher.root / "private").chmod(0o755)
    assert watcher.settled() == {"paris": State.NEW, "oslo": State.GONE}
    assert watcher.settled(SETTLE)["private/inner"] is State.CHANGED


def test_a_look_that_runs_out_of_time_goes_on_where_it_ended(watcher: Watcher) -> None:
    write(watcher.root, *(f"many/{n:03}/1.jpg" for n in range(60)))
    shutil.rmtree(watcher.root / "oslo")
    watcher.take_snapshot(SETTLE)
    watcher.budget = 0.0
    watcher.snapshots.pop("rome")
    partial = watcher.take_snapshot(SETTLE)
    assert not partial.is_whole
    assert due_states(partial, watcher.ingested, watcher.now, SETTLE).settled == [], "neither gone nor settled unseen"
    watcher.budget = 1e-3
    for _ in range(1000):
        if watcher.take_snapshot().is_whole:
            break
    assert len(watcher.settled(SETTLE)) <= 61
    watcher.budget = 60.0
    assert watcher.settled(SETTLE) == {"oslo": State.GONE, **{f"many/{n:03}": State.NEW for n in range(60)}}


def test_a_look_without_time_does_not_take_the_library_for_empty(watcher: Watcher) -> None:
    watcher.budget, watcher.snapshots = 0.0, {}
    assert watcher.settled(1) == {}


def test_many_directories_are_looked_at_in_time_that_grows_with_their_number(library: Path) -> None:
    seconds = []
    for number in (100, 400):
        for n in range(number):
            (library / f"{n}").mkdir(exist_ok=True)
            (library / f"{n}/a.jpg").touch()
        watcher = Watcher(library)
        watcher.take_snapshot()
        watcher.ingest()
        began = time.process_time()
        watcher.take_snapshot(SWEEP)
        seconds.append(time.process_time() - began)
    assert seconds[1] < 10 * seconds[0], f"4 times as many took {seconds[1] / seconds[0]:.1f} times as long"


def test_the_file_systems_own_clock_does_not_matter(watcher: Watcher) -> None:
    os.utime(watcher.root / "rome/1.jpg", (4e9, 4e9))
    os.utime(watcher.root / "rome", (4e9, 4e9))
    watcher.take_snapshot(1)
    assert watcher.settled(SETTLE) == {"rome": State.CHANGED}
