"""Workers that are killed, stopped, starved and confused, each in the middle of a file: it costs that file at most."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from image_pipeline.imaging.pool import DecodeFailure, DecodeOutcome, DecodeTask, MetadataTask, WorkerPool
from image_pipeline.imaging.worker_process import WorkerStartError
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.scenes import ENCODERS, encoded, endless_jpeg, scene, write
from image_pipeline_tests.support.striking import open_files, striking

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, as only Linux has it")

_SLOW_SCANS = 700  # a second or so

Outcomes = dict[str, DecodeOutcome | DecodeFailure]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path, "good.png", ENCODERS[".png"](scene()))


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A sound picture that takes long enough to be struck at."""
    return write(tmp_path, "slow.jpg", endless_jpeg(_SLOW_SCANS))


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    return write(tmp_path, "endless.jpg", endless_jpeg())


def among_others(path: Path, good: Path) -> list[DecodeTask]:
    return [DecodeTask("it", path), *(DecodeTask(str(number), good) for number in range(12))]


def outcomes_of(pool: WorkerPool, tasks: list[DecodeTask]) -> Outcomes:
    """The outcomes by key, one for each task; all but that of `it` are good."""
    outcomes = list(pool.decode(tasks))
    assert sorted(outcome.key for outcome in outcomes) == sorted(task.key for task in tasks)
    assert all(isinstance(outcome, DecodeOutcome) for outcome in outcomes if outcome.key != "it")
    return {outcome.key: outcome for outcome in outcomes}


def test_a_file_whose_worker_was_killed_once_is_decoded(slow: Path, good: Path) -> None:
    with WorkerPool(workers=2) as pool, striking(pool, slow, signal.SIGKILL) as striker:
        outcomes = outcomes_of(pool, among_others(slow, good))

    assert len(striker.struck) == 1
    assert isinstance(outcomes["it"], DecodeOutcome)


def test_a_file_whose_worker_is_killed_again_when_it_is_alone_is_to_blame(endless: Path, good: Path) -> None:
    with WorkerPool(workers=2) as pool, striking(pool, endless, signal.SIGKILL, signal.SIGKILL) as striker:
        outcomes = outcomes_of(pool, among_others(endless, good))

    failure = outcomes["it"]
    assert isinstance(failure, DecodeFailure)
    assert failure.reason is Reason.DECODER_CRASHED
    assert "SIGKILL" in failure.message and "second time" in failure.message
    assert len(striker.struck) == 2
    assert striker.beside[1] == set()


def test_workers_that_are_killed_together_cost_nothing(tmp_path: Path, good: Path) -> None:
    paths = [write(tmp_path, f"slow{number}.jpg", endless_jpeg(_SLOW_SCANS)) for number in range(3)]
    tasks = [DecodeTask(path.name, path) for path in paths] + [DecodeTask("good", good)]
    with (
        WorkerPool(workers=3) as pool,
        striking(pool, paths[0], signal.SIGKILL),
        striking(pool, paths[1], signal.SIGKILL),
        striking(pool, paths[2], signal.SIGKILL),
    ):
        outcomes = outcomes_of(pool, tasks)

    assert all(isinstance(outcome, DecodeOutcome) for outcome in outcomes.values())


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_crash_costs_its_file_at_once(endless: Path, good: Path, number: signal.Signals) -> None:
    with WorkerPool(workers=2) as pool, striking(pool, endless, number, number) as striker:
        outcomes = outcomes_of(pool, among_others(endless, good))

    failure = outcomes["it"]
    assert isinstance(failure, DecodeFailure)
    assert failure.reason is Reason.DECODER_CRASHED
    assert number.name in failure.message
    assert len(striker.struck) == 1


def test_a_worker_that_is_stopped_for_long_is_no_files_fault(slow: Path, good: Path) -> None:
    """As one is that waits for its turn on a busy machine: time counts that was spent on the file."""
    with WorkerPool(DecodeLimits(seconds=4), workers=2) as pool, striking(pool, slow, signal.SIGSTOP) as striker:
        resume = threading.Timer(8, lambda: [os.kill(pid, signal.SIGCONT) for pid in pool.worker_pids])
        resume.start()
        outcomes = outcomes_of(pool, among_others(slow, good))

    assert len(striker.struck) == 1
    assert isinstance(outcomes["it"], DecodeOutcome)


def test_a_worker_that_hangs_without_working_is_given_up_by_the_clock(endless: Path, good: Path) -> None:
    """As one does whose disk no longer answers."""
    limits = DecodeLimits(seconds=20, wall_seconds=2)
    with WorkerPool(limits, workers=2) as pool, striking(pool, endless, signal.SIGSTOP):
        outcomes = outcomes_of(pool, among_others(endless, good))

    failure = outcomes["it"]
    assert isinstance(failure, DecodeFailure)
    assert (failure.reason, failure.message[:18]) == (Reason.TIMEOUT, "no reply after 2 s")


_DECODES_ONE_FILE = """
import sys
from pathlib import Path
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.imaging.pool import DecodeTask, WorkerPool
with WorkerPool(DecodeLimits(wall_seconds=8), workers=1) as pool:
    print(*pool.decode([DecodeTask("it", Path(sys.argv[1]))]))
"""


def test_a_pause_of_the_whole_program_is_no_files_fault(slow: Path) -> None:
    """Ctrl-Z in a terminal does it, and a virtual machine that is paused."""
    program = subprocess.Popen(
        [sys.executable, "-c", _DECODES_ONE_FILE, str(slow)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
    assert wait_until(lambda: any(slow in open_files(int(child)) for child in children.read_text().split()))
    os.killpg(program.pid, signal.SIGSTOP)
    time.sleep(9)
    os.killpg(program.pid, signal.SIGCONT)
    told, _ = program.communicate(timeout=60)
    assert told.startswith("DecodeOutcome"), told


def test_a_pause_while_a_caller_uses_an_outcome_is_no_files_fault(slow: Path, good: Path) -> None:
    """The same at a moment at which the pool is not waiting for its workers."""
    with WorkerPool(DecodeLimits(wall_seconds=5), workers=2) as pool:
        outcomes = pool.decode([DecodeTask("good", good), DecodeTask("it", slow)])
        assert next(outcomes).key == "good"
        for pid in pool.worker_pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(6)
        for pid in pool.worker_pids:
            os.kill(pid, signal.SIGCONT)
        assert isinstance(next(outcomes), DecodeOutcome)


def test_a_file_that_takes_for_ever_is_a_timeout(endless: Path, good: Path) -> None:
    with WorkerPool(DecodeLimits(seconds=2), workers=2) as pool:
        outcomes = outcomes_of(pool, among_others(endless, good))

    assert outcomes["it"] == DecodeFailure("it", Reason.TIMEOUT, "not decoded after 2 s of processor time")


def test_signals_meant_for_the_parent_stop_no_file(slow: Path, good: Path) -> None:
    """A terminal, and a service manager, send them to every process."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    with WorkerPool(workers=2) as pool, ExitStack() as strikers:
        struck = [strikers.enter_context(striking(pool, slow, number)).struck for number in numbers]
        outcomes = outcomes_of(pool, among_others(slow, good))

    assert struck[0] and struck == struck[:1] * len(numbers)
    assert isinstance(outcomes["it"], DecodeOutcome)


def test_a_worker_that_is_killed_before_it_is_ready_costs_nothing(good: Path) -> None:
    killed: list[int] = []
    with WorkerPool(workers=1) as pool:
        outcomes = pool.decode(tasks_that_strike(pool, good, killed, at_most=1))
        assert [type(outcome) for outcome in outcomes] == [DecodeOutcome] * 2

    assert len(killed) == 1


def tasks_that_strike(pool: WorkerPool, path: Path, killed: list[int], at_most: int) -> Iterator[DecodeTask]:
    """Tasks that kill the worker which took the one before, while it is still starting."""
    yield DecodeTask("a", path)
    for pid in pool.worker_pids[:at_most]:
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
    yield DecodeTask("b", path)


def test_workers_that_never_start_are_told_of(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with WorkerPool(workers=2) as pool, pytest.raises(WorkerStartError, match="before it was ready"):
        list(pool.decode([DecodeTask("a", good), DecodeTask("b", good)]))


def test_a_reply_that_comes_with_the_first_word_is_not_lost(good: Path) -> None:
    """A caller that is slow to give the next task finds both in the pipe at once."""

    def tasks() -> Iterator[DecodeTask]:
        yield DecodeTask("a", good)
        time.sleep(3)
        yield DecodeTask("b", good)

    with WorkerPool(DecodeLimits(seconds=5), workers=1) as pool:
        outcomes = list(pool.decode(tasks()))

    assert [type(outcome) for outcome in outcomes] == [DecodeOutcome] * 2


def test_a_worker_that_talks_nonsense_costs_its_file(endless: Path, good: Path) -> None:
    """As one does whose memory was overwritten."""

    def tasks() -> Iterator[DecodeTask]:
        yield DecodeTask("it", endless)
        (pid,) = pool.worker_pids
        while endless not in open_files(pid):
            time.sleep(0.01)
        reply_to_parent(pid, b'["Decoded",{"width":\n')
        yield DecodeTask("other", good)

    with WorkerPool(workers=1) as pool:
        failure, other = pool.decode(tasks())

    assert isinstance(failure, DecodeFailure)
    assert (failure.key, failure.reason) == ("it", Reason.DECODER_CRASHED)
    assert isinstance(other, DecodeOutcome)


def reply_to_parent(pid: int, line: bytes) -> None:
    """Write into the pipe on which a worker answers."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        if descriptor.name != "0" and str(descriptor.readlink()).startswith("pipe:"):
            descriptor.write_bytes(line)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "directory.jpg").mkdir()
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.jpg"))
        paths = sorted(tmp_path.iterdir())
        with WorkerPool(DecodeLimits(seconds=20), workers=2) as pool:
            started = time.monotonic()
            outcomes = list(pool.decode([DecodeTask(path.name, path) for path in paths]))
            metadata = list(pool.read_metadata([MetadataTask(path.name, path) for path in paths]))

    assert len(paths) == 5
    assert time.monotonic() - started < 15
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, DecodeFailure)} == {Reason.UNREADABLE}
    assert len(outcomes) == len(metadata) == 5
    assert {(outcome.metadata.is_empty, outcome.reason) for outcome in metadata} == {(True, Reason.UNREADABLE)}


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("PNG", {"compress_level": 1}),
        ("GIF", {}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "jpeg"}),
        ("BMP", {}),
        ("WEBP", {"method": 0}),
        ("JPEG", {"progressive": True}),
        ("AVIF", {"speed": 10}),
        ("HEIF", {}),
    ],
)
def test_a_file_that_swells_beyond_the_limit_runs_out_of_memory(
    tmp_path: Path, good: Path, image_format: str, options: dict[str, object]
) -> None:
    side = 3500 if image_format == "HEIF" else 6000  # its encoder is slow
    picture = Image.new("RGB", (side, side), (90, 120, 90))
    swelling = write(tmp_path, "swelling", encoded(picture, image_format, **options))

    with WorkerPool(DecodeLimits(address_space_bytes=230 << 20), workers=2) as pool:
        outcomes = outcomes_of(pool, among_others(swelling, good))

    failure = outcomes["it"]
    assert isinstance(failure, DecodeFailure)
    assert failure.reason is Reason.OUT_OF_MEMORY


def test_a_machine_that_is_short_of_memory_takes_the_workers_first(good: Path) -> None:
    with WorkerPool(workers=1) as pool:
        list(pool.decode([DecodeTask("a", good)]))
        (pid,) = pool.worker_pids

        assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"
