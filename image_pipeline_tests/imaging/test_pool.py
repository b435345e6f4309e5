"""Decoding in worker processes, with everything that can go wrong really going wrong."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline.errors import StoreError
from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.imaging.pool import DecodeFailure, DecodeOutcome, DecodeTask, MetadataTask, WorkerPool
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason
from image_pipeline.storage.tensors import TensorFile
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.scenes import ENCODERS, encoded, endless_jpeg, scene, write

SPECS = (
    InputSpec(32, 32, ResizeMode.SQUASH, Interpolation.BICUBIC),
    InputSpec(24, 48, ResizeMode.LONGEST, Interpolation.BILINEAR, fill=80),
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the limits are those of POSIX systems")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(DecodeLimits(seconds=20), workers=2) as pool:
        yield pool


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """A file that takes minutes to decode."""
    return write(tmp_path, "hanging.jpg", endless_jpeg())


def wait_until(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_rows_and_thumbnails_are_those_of_a_decode_at_home(tmp_path: Path, pool: WorkerPool) -> None:
    paths = [write(tmp_path, f"a{ending}", encode(scene())) for ending, encode in ENCODERS.items()]
    paths.append(write(tmp_path, "a.dng", dng(scene(480, 320))))
    outputs = [TensorFile.create(tmp_path / f"{spec}.npy", spec, len(paths)) for spec in SPECS]
    tasks = [
        DecodeTask(path.name, path, row, tmp_path / "thumbnails" / f"{row}.webp") for row, path in enumerate(paths)
    ]

    outcomes = {outcome.key: outcome for outcome in pool.decode(iter(tasks), outputs)}

    assert len(outcomes) == len(paths)
    for row, path in enumerate(paths):
        expected = decode_image(path, SPECS)
        digests = tuple(blake2b(array.tobytes(), digest_size=16).hexdigest() for array in expected.arrays)
        outcome = DecodeOutcome(path.name, expected.width, expected.height, expected.decode_path, None, digests)
        assert outcomes[path.name] == outcome
        for output, array in zip(outputs, expected.arrays, strict=True):
            np.testing.assert_array_equal(np.load(output.path)[row], array)
        assert (tmp_path / "thumbnails" / f"{row}.webp").read_bytes() == expected.thumbnail
    assert len(list((tmp_path / "thumbnails").iterdir())) == len(paths)


def test_a_file_without_a_row_has_the_digests_of_one_with_a_row(tmp_path: Path, pool: WorkerPool) -> None:
    path = write(tmp_path, "a.jpg", encoded(scene(960, 640), "JPEG"))
    outputs = [TensorFile.create(tmp_path / f"{spec}.npy", spec, 1) for spec in SPECS]
    with_row, without = DecodeTask("with", path, 0), DecodeTask("without", path)
    outcomes = {outcome.key: outcome for outcome in pool.decode([with_row, without], outputs, SPECS)}
    digests = [outcome.digests for outcome in outcomes.values() if isinstance(outcome, DecodeOutcome)]
    assert len(digests) == 2 and digests[0] == digests[1] and len(digests[0]) == len(SPECS)
    [alone] = pool.decode([without])
    assert isinstance(alone, DecodeOutcome) and alone.digests == ()


def test_a_bad_file_costs_its_own_row_alone(tmp_path: Path, pool: WorkerPool) -> None:
    good = write(tmp_path, "good.png", ENCODERS[".png"](scene()))
    bad = write(tmp_path, "bad.png", good.read_bytes()[:200])
    output = TensorFile.create(tmp_path / "t.npy", SPECS[0], 3)
    tasks = [DecodeTask("a", good, 0), DecodeTask("b", bad, 1), DecodeTask("c", tmp_path / "gone.png", 2)]

    outcomes = {outcome.key: outcome for outcome in pool.decode(tasks, [output])}

    assert isinstance(outcomes["a"], DecodeOutcome)
    assert outcomes["b"].reason is Reason.TRUNCATED  # type: ignore[union-attr]
    assert outcomes["c"].reason is Reason.UNREADABLE  # type: ignore[union-attr]
    assert np.load(output.path)[1:].max() == 0


def test_names_of_any_bytes(tmp_path: Path, pool: WorkerPool) -> None:
    names = [b"\xff\xfe.png", 'ünï \n\t"code.png'.encode(), b"-x.png"]
    for name in names:
        with open(bytes(tmp_path) + b"/" + name, "wb") as file:
            file.write(ENCODERS[".png"](scene()))

    tasks = [DecodeTask(repr(name), bytes(tmp_path) + b"/" + name) for name in names]
    tasks.append(DecodeTask("text", os.fsdecode(bytes(tmp_path) + b"/" + names[0])))

    assert all(isinstance(outcome, DecodeOutcome) for outcome in pool.decode(tasks))


def test_metadata_are_those_read_at_home(tmp_path: Path, pool: WorkerPool) -> None:
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG"))
    tasks = [MetadataTask("a", path), MetadataTask("b", tmp_path / "gone.jpg")]

    outcomes = {outcome.key: outcome.metadata for outcome in pool.read_metadata(tasks)}

    assert outcomes["a"] == read_metadata(path)
    assert outcomes["b"].is_empty


def test_a_file_that_hangs_costs_itself_alone(tmp_path: Path, hanging: Path) -> None:
    good = write(tmp_path, "good.png", ENCODERS[".png"](scene()))
    tasks = [DecodeTask("hangs", hanging), *(DecodeTask(str(n), good) for n in range(20))]

    with WorkerPool(DecodeLimits(seconds=1.5), workers=2) as pool:
        outcomes = list(pool.decode(tasks))

    assert sorted(outcome.key for outcome in outcomes) == sorted(task.key for task in tasks)
    assert [outcome for outcome in outcomes if isinstance(outcome, DecodeFailure)] == [
        DecodeFailure("hangs", Reason.TIMEOUT, "not decoded after 1.5 s of processor time")
    ]


def test_a_file_whose_metadata_hang_has_none(tmp_path: Path) -> None:
    tasks = [MetadataTask("a", write(tmp_path, "a.png", ENCODERS[".png"](scene())))]
    with WorkerPool(DecodeLimits(wall_seconds=1), workers=1) as pool:
        list(pool.read_metadata(tasks))
        os.kill(pool.worker_pids[0], signal.SIGSTOP)
        (outcome,) = pool.read_metadata(tasks)

    assert outcome.metadata.is_empty
    assert outcome.reason is Reason.TIMEOUT


def test_a_decoder_that_dies_costs_its_file_alone(tmp_path: Path, hanging: Path) -> None:
    good = write(tmp_path, "good.png", ENCODERS[".png"](scene()))
    tasks = [DecodeTask("dies", hanging), *(DecodeTask(str(n), good) for n in range(10))]

    with WorkerPool(DecodeLimits(seconds=20), workers=1) as pool:
        outcomes = pool.decode(tasks)
        strike = threading.Timer(1.5, lambda: os.kill(pool.worker_pids[0], signal.SIGSEGV))
        strike.start()
        failure, *others = list(outcomes)

    assert isinstance(failure, DecodeFailure)
    assert (failure.key, failure.reason) == ("dies", Reason.DECODER_CRASHED)
    assert "SIGSEGV" in failure.message
    assert [outcome.key for outcome in others] == [str(n) for n in range(10)]
    assert all(isinstance(outcome, DecodeOutcome) for outcome in others)


def test_an_idle_worker_that_dies_costs_no_file(tmp_path: Path) -> None:
    tasks = [DecodeTask("a", write(tmp_path, "a.png", ENCODERS[".png"](scene())))]
    with WorkerPool(workers=1) as pool:
        list(pool.decode(tasks))
        (pid,) = pool.worker_pids
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not is_running(pid))

        (outcome,) = pool.decode(tasks)

    assert isinstance(outcome, DecodeOutcome)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a limit on the address space")
def test_a_file_that_swells_costs_itself_alone(tmp_path: Path) -> None:
    swelling = write(tmp_path, "swelling.png", encoded(Image.new("RGB", (12_000, 12_000)), "PNG", compress_level=1))
    good = write(tmp_path, "good.png", ENCODERS[".png"](scene()))
    tasks = [DecodeTask("swells", swelling), DecodeTask("good", good)]

    with WorkerPool(DecodeLimits(address_space_bytes=500 << 20), workers=1) as pool:
        first, second = pool.decode(tasks)

    assert isinstance(first, DecodeFailure)
    assert first.reason is Reason.OUT_OF_MEMORY
    assert isinstance(second, DecodeOutcome)


def test_the_limit_on_pixels_holds_in_the_workers(tmp_path: Path) -> None:
    with WorkerPool(DecodeLimits(pixels=1000), workers=1) as pool:
        (outcome,) = pool.decode([DecodeTask("a", write(tmp_path, "a.png", ENCODERS[".png"](scene())))])

    assert isinstance(outcome, DecodeFailure)
    assert outcome.reason is Reason.TOO_MANY_PIXELS


def test_an_output_that_cannot_be_written_is_no_files_fault(tmp_path: Path, pool: WorkerPool) -> None:
    path = write(tmp_path, "a.png", ENCODERS[".png"](scene()))
    output = TensorFile.create(tmp_path / "t.npy", SPECS[0], 1)
    output.path.unlink()

    with pytest.raises(StoreError, match=r"t\.npy"):
        list(pool.decode([DecodeTask("a", path, 0)], [output]))
    (outcome,) = pool.decode([DecodeTask("a", path)])
    assert isinstance(outcome, DecodeOutcome)


def test_tasks_are_drawn_no_faster_than_they_are_done(tmp_path: Path, pool: WorkerPool) -> None:
    path = write(tmp_path, "a.png", ENCODERS[".png"](scene()))
    drawn = 0

    def tasks() -> Iterator[DecodeTask]:
        nonlocal drawn
        for number in range(1000):
            drawn += 1
            yield DecodeTask(str(number), path)

    outcomes = pool.decode(tasks())
    for _ in range(5):
        next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]

    assert drawn <= 5 + 2 * 2 + 1


def test_leaving_early_leaves_nothing_behind_for_the_next_call(tmp_path: Path, pool: WorkerPool, hanging: Path) -> None:
    path = write(tmp_path, "a.png", ENCODERS[".png"](scene()))
    outcomes = pool.decode([DecodeTask("hangs", hanging), DecodeTask("old", path), DecodeTask("old too", path)])
    assert next(outcomes).key == "old"
    outcomes.close()  # type: ignore[attr-defined]

    assert [outcome.key for outcome in pool.decode([DecodeTask("new", path)])] == ["new"]


def test_a_caller_that_takes_its_time_is_not_a_timeout(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png", ENCODERS[".png"](scene()))
    with WorkerPool(DecodeLimits(wall_seconds=1.5), workers=2) as pool:
        list(pool.decode([DecodeTask("start", path)]))
        outcomes = pool.decode([DecodeTask(str(n), path) for n in range(4)])
        seen = [next(outcomes)]
        time.sleep(2.5)
        seen += list(outcomes)

    assert all(isinstance(outcome, DecodeOutcome) for outcome in seen)


def test_what_libraries_print_does_not_disturb(tmp_path: Path, pool: WorkerPool) -> None:
    # LibRaw reports a cut file on standard output, libtiff a damaged one on standard error.
    noisy = bytearray(ENCODERS[".deflate.tif"](scene()))
    noisy[100:400] = bytes(300)
    paths = [write(tmp_path, "a.tif", bytes(noisy)), write(tmp_path, "a.crw", b"II\x1a\0\0\0HEAPCCDR" + bytes(500))]

    outcomes = list(pool.decode([DecodeTask(path.name, path) for path in paths * 5]))

    assert len(outcomes) == 10


def test_workers_are_started_as_they_are_needed_and_end_with_the_pool(tmp_path: Path) -> None:
    with WorkerPool(workers=8) as pool:
        assert pool.worker_pids == ()
        list(pool.decode([DecodeTask("a", write(tmp_path, "a.png", ENCODERS[".png"](scene())))]))
        (pid,) = pool.worker_pids

    assert wait_until(lambda: not is_running(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end when they are done")
def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path, hanging: Path) -> None:
    program = f"""
        import threading, time
        from image_pipeline.imaging.pool import DecodeTask, WorkerPool
        with WorkerPool(workers=1) as pool:
            threading.Timer(1.5, lambda: print(*pool.worker_pids, flush=True)).start()
            list(pool.decode([DecodeTask("a", {str(hanging)!r})]))
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert wait_until(lambda: not is_running(pid))


def test_workers_never_import_torch() -> None:
    program = "import image_pipeline.imaging.worker, sys; print('torch' in sys.modules, 'dagster' in sys.modules)"

    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert found.stdout.split() == ["False", "False"]
