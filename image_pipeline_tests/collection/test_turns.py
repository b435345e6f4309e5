"""Turns of processes with one resource: owners give way, and what was killed holds nobody up."""

import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.edge.turns import BUSY_SECONDS, Turns, is_wanted, wanted_file
from image_pipeline.storage.locks import StillHeldError
from image_pipeline_tests.collection.population import PARTITIONS, many_points
from image_pipeline_tests.storage.conftest import VERSION

_OTHER = """
    import sys, time
    from pathlib import Path
    from image_pipeline.collection.edge.turns import Turns
    turns = Turns(Path(sys.argv[1]), "the thing", 60.0, lambda: None, lambda _: None)
"""
IDLE = (
    _OTHER
    + """
    with turns.use():
        print("mine", flush=True)
    time.sleep(60)
"""
)
BUSY = (
    _OTHER
    + """
    for number in range(10_000):
        with turns.use():
            if number == 0:
                print("mine", flush=True)
            time.sleep(0.05)
"""
)
STUCK = (
    _OTHER
    + """
    with turns.use():
        print("mine", flush=True)
        time.sleep(60)
"""
)
GREEDY = """
    import os, sys, time
    from pathlib import Path
    from image_pipeline.collection.edge.turns import Turns
    def open_resource():
        with Path(sys.argv[1]).with_suffix(".log").open("a") as log:
            log.write(f"{os.getpid()}\\n")
    turns = Turns(Path(sys.argv[1]), "the thing", 60.0, open_resource, lambda _: None)
    print("mine", flush=True)
    while True:
        with turns.use():
            time.sleep(0.05)
"""
WAITS = (
    _OTHER
    + """
    print("mine", flush=True)
    with turns.use():
        pass
"""
)


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / "thing.lock"


def own_turns(lock_file: Path, seconds: float = 30.0) -> "Turns[list[str]]":
    """Turns with a list, which says how often it was opened and closed."""
    log: list[str] = []

    def open_log() -> list[str]:
        log.append("opened")
        return log

    return Turns(lock_file, "the thing", seconds, open_log, lambda opened: opened.append("closed"))


@contextmanager
def another(program: str, lock_file: Path) -> Iterator[subprocess.Popen[str]]:
    """A different process; the block begins when it says that the resource is its own."""
    command = [sys.executable, "-c", textwrap.dedent(program), str(lock_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        try:
            yield process
        finally:
            process.kill()


def seconds_to_get(turns: "Turns[list[str]]") -> float:
    began = time.monotonic()
    with turns.use():
        return time.monotonic() - began


def test_a_turn_lasts_until_it_is_ended(lock_file: Path) -> None:
    turns = own_turns(lock_file)
    for _ in range(3):
        with turns.use() as log, turns.use():
            assert log == ["opened"]
    time.sleep(0.3)
    with turns.use() as log:
        assert log == ["opened"], "nobody else waits"
    turns.end()
    turns.end()
    assert log == ["opened", "closed"]
    assert lock_file.read_text() == ""


def test_an_idle_owner_gives_way_at_once(lock_file: Path) -> None:
    with another(IDLE, lock_file):
        turns = own_turns(lock_file)
        assert seconds_to_get(turns) < 1.0
        turns.end()


def test_a_busy_owner_gives_way_within_two_seconds_and_gets_it_back(lock_file: Path) -> None:
    with another(BUSY, lock_file):
        turns = own_turns(lock_file)
        waits = []
        for _ in range(4):
            waits.append(seconds_to_get(turns))
            turns.end()
            time.sleep(0.2)  # the other one gets it back meanwhile
            assert lock_file.read_text() != ""
        assert max(waits) < 2.0
        assert max(waits) > BUSY_SECONDS / 2, "a turn is long enough to be worth opening the resource"


def test_no_process_is_left_out(lock_file: Path) -> None:
    """Five processes that always want it: each has a turn before any other one has had three."""
    with ExitStack() as kept:
        for _ in range(5):
            kept.enter_context(another(GREEDY, lock_file))
        time.sleep(16)
    turns = lock_file.with_suffix(".log").read_text().split()
    assert len(turns) >= 8
    first = max(turns.index(pid) for pid in set(turns))  # from then on, all are there
    last_turn = dict.fromkeys(turns, first)
    longest = 0
    for number, pid in enumerate(turns[first:], first):
        longest = max(longest, number - last_turn[pid])
        last_turn[pid] = number
    assert longest <= 12, turns


def test_this_process_gives_way_while_it_is_idle(lock_file: Path) -> None:
    turns = own_turns(lock_file)
    with turns.use():
        pass
    with another(IDLE, lock_file):
        pass
    with turns.use() as log:
        assert log == ["opened", "closed", "opened"]
    turns.end()


@pytest.mark.parametrize("program", [IDLE, BUSY, STUCK])
def test_an_owner_that_is_killed_holds_nobody_up(lock_file: Path, program: str) -> None:
    with another(program, lock_file):
        pass
    turns = own_turns(lock_file)
    assert seconds_to_get(turns) < 0.5
    turns.end()


def test_a_waiting_process_that_is_killed_is_no_longer_waited_for(lock_file: Path) -> None:
    turns = own_turns(lock_file)
    with turns.use() as log:
        with another(WAITS, lock_file):
            time.sleep(0.3)
            assert is_wanted(wanted_file(lock_file))
        assert not is_wanted(wanted_file(lock_file))
    time.sleep(0.3)
    assert log == ["opened"]
    turns.end()


def test_waiting_is_told_after_a_second_with_who_holds_it(lock_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with another(STUCK, lock_file) as process, caplog.at_level(logging.WARNING):
        began = time.monotonic()
        with pytest.raises(StillHeldError, match=f"process {process.pid} "), own_turns(lock_file, 1.5).use():
            pass
        assert 1.5 <= time.monotonic() - began < 3.0
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith(f"Waiting for the thing: in use by process {process.pid} (")
    assert " since 20" in message


def test_threads_use_it_one_after_the_other(lock_file: Path) -> None:
    turns = own_turns(lock_file)
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(50):
            with turns.use():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.001)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns.end()
    assert most == [1]


def test_what_cannot_be_opened_is_not_kept_locked(lock_file: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    turns = Turns(lock_file, "the thing", 1.0, fail, lambda _: None)
    with pytest.raises(ZeroDivisionError), turns.use():
        pass
    other = own_turns(lock_file)
    assert seconds_to_get(other) < 0.5
    other.end()


_WRITER = """
    import sys, time
    from pathlib import Path
    from image_pipeline.collection.edge.address import EdgeAddress
    from image_pipeline_tests.collection.population import many_points
    from image_pipeline_tests.storage.conftest import VERSION
    store = Path(sys.argv[1])
    with EdgeAddress(store / "qdrant-edge", store / "qdrant.lock", 60.0).connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        for number, point in enumerate(many_points(6000, seed=int(sys.argv[2]))):
            list(collection.upsert([point]))
            print(number, flush=True)
            time.sleep(0.005)
"""


def start_writers(store: Path, *seeds: int) -> list[subprocess.Popen[str]]:
    """Processes that write a point at a time; all have written one."""
    command = [sys.executable, "-c", textwrap.dedent(_WRITER), str(store)]
    writers = [subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True) for seed in seeds]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "0\n"
    return writers


def kill(writer: subprocess.Popen[str]) -> int:
    """Kill a writer; returns the number of points that it had written."""
    assert writer.stdout is not None
    writer.kill()
    written = 1 + max([0, *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
    writer.wait()
    return written


def test_searches_come_in_between_the_batches_of_a_writer(edge_address: EdgeAddress) -> None:
    with edge_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
    (writer,) = start_writers(edge_address.directory.parent, 7)
    counts, waits = [], []
    for _ in range(4):
        with EdgeAddress(edge_address.directory, edge_address.lock_file, 60.0).connect("images") as qdrant:
            began = time.monotonic()
            counts.append(qdrant.points(VERSION.name).count())
            assert qdrant.points(VERSION.name).nearest([1.0, 0.0, 0.0, 0.0], 3)
            waits.append(time.monotonic() - began)
        time.sleep(0.5)
    written = kill(writer)
    assert counts == sorted(set(counts)), "the writer went on in between"
    assert max(waits) < 5.0
    with edge_address.connect("images") as qdrant:
        held = {id_ for one in qdrant.collection(VERSION).digests(PARTITIONS).values() for id_ in one}
    points = many_points(6000, seed=7)
    assert held >= {point.id for point in points[:written]}
    assert len(held) <= written + 1


def test_two_writers_take_turns_and_lose_nothing(edge_address: EdgeAddress) -> None:
    with edge_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
    writers = start_writers(edge_address.directory.parent, 7, 8)
    time.sleep(4)
    written = max(kill(writer) for writer in writers)
    with EdgeAddress(edge_address.directory, edge_address.lock_file, 10.0).connect("images") as qdrant:
        held = {id_ for one in qdrant.collection(VERSION).digests(PARTITIONS).values() for id_ in one}
    points = many_points(6000, seed=7)  # both write the same paths
    assert held >= {point.id for point in points[:written]}
    assert len(held) <= written + 1
