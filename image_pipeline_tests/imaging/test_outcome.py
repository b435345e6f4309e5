"""The outcome of a file is a function of its bytes: whatever its name, and whatever was decoded before it."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, MetadataTask, WorkerPool
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import DecodePath, Reason
from image_pipeline.storage.tensors import TensorFile
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.raw_skeletons import SENSOR, grey_scan, skeletons, tiff
from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.specimens import specimens

SPEC = InputSpec(64, 64, ResizeMode.SQUASH, Interpolation.BICUBIC)
NAMES = ("1.nef", "1.CR2", "1.jpg", "1.tif", "1.txt", "1")


def contents() -> dict[str, bytes]:
    """A file of every kind that the tests can make, whole and cut off, and some that are no picture."""
    whole = {
        **specimens(),
        **skeletons(),
        "a grey scan": grey_scan(),
        "a grey scan by a camera's maker": grey_scan("NIKON CORPORATION"),
        "a DNG with a preview": dng(scene(480, 320), encoded(scene(240, 160), "JPEG")),
        "a TIFF with a small first page": tiff([{254: 1, 256: 48, 257: 32, 258: 8, 259: 1, 262: 2, 277: 3, 278: 32}]),
    }
    cut_off = {f"{name}, cut off": content[: len(content) // 2] for name, content in whole.items()}
    begun = {f"{name}, begun": content[:128] for name, content in whole.items()}
    return {**whole, **cut_off, **begun, "nothing": b"", "a text": b"not found " * 99, "zeros": bytes(5000)}


def test_the_same_bytes_have_one_outcome_under_any_name(tmp_path: Path) -> None:
    tasks: list[tuple[str, Path]] = []
    for number, (kind, content) in enumerate(contents().items()):
        (tmp_path / str(number)).mkdir()
        tasks += [(kind, write(tmp_path / str(number), name, content)) for name in NAMES]
    output = TensorFile.create(tmp_path / "t.npy", SPEC, len(tasks))
    outcomes: dict[str, set[tuple[object, ...]]] = defaultdict(set)

    with WorkerPool(workers=2) as pool:
        decoded = pool.decode([DecodeTask(str(row), path, row) for row, (_, path) in enumerate(tasks)], [output])
        for outcome in list(decoded):
            row = int(outcome.key)
            if isinstance(outcome, DecodeFailure):
                told: tuple[object, ...] = (outcome.reason, outcome.message)
            else:
                pixels = np.load(output.path, mmap_mode="r")[row].tobytes()
                told = (outcome.width, outcome.height, outcome.decode_path, pixels)
            outcomes[tasks[row][0]].add(told)
        for found in pool.read_metadata([MetadataTask(str(row), path) for row, (_, path) in enumerate(tasks)]):
            outcomes[f"the metadata of {tasks[int(found.key)][0]}"].add((found.metadata, found.reason))

    assert len(outcomes) == 2 * len(contents())
    assert {kind: told for kind, told in outcomes.items() if len(told) > 1} == {}


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(workers=1) as pool:
        yield pool


@pytest.mark.parametrize("kind", skeletons())
@pytest.mark.parametrize("name", ["1.nef", "1.tif"])
def test_the_thumbnail_of_a_raw_is_never_taken_for_its_picture(
    tmp_path: Path, pool: WorkerPool, kind: str, name: str
) -> None:
    output = TensorFile.create(tmp_path / "t.npy", SPEC, 1)
    [outcome] = pool.decode([DecodeTask("it", write(tmp_path, name, skeletons()[kind]), 0)], [output])

    if isinstance(outcome, DecodeFailure):
        assert outcome.reason in (Reason.NO_IMAGE_IN_RAW, Reason.TRUNCATED, Reason.CORRUPT)
    else:
        assert (outcome.width, outcome.height) == SENSOR
        assert outcome.decode_path is DecodePath.RAW_HALF


@pytest.mark.parametrize("maker", [None, "NIKON CORPORATION"])
def test_a_scan_that_libraw_takes_for_a_raw_is_a_tiff(tmp_path: Path, pool: WorkerPool, maker: str | None) -> None:
    [outcome] = pool.decode([DecodeTask("it", write(tmp_path, "1.nef", grey_scan(maker)))])

    assert not isinstance(outcome, DecodeFailure)
    assert (outcome.width, outcome.height, outcome.decode_path) == (*SENSOR, DecodePath.FULL)


def test_a_raw_of_which_parts_are_missing_is_never_filled_with_what_was_in_memory(
    tmp_path: Path, pool: WorkerPool
) -> None:
    """LibRaw makes room for the whole sensor, and leaves what no strip fills as that memory was."""
    whole = dng(scene(480, 320))
    rows = b"\x16\x01\x04\0\1\0\0\0" + (320).to_bytes(4, "little")
    assert whole.count(rows) == 1
    pruned = write(tmp_path, "pruned.dng", whole.replace(rows, rows[:8] + (32).to_bytes(4, "little")))
    noise = np.random.default_rng(3).integers(0, 65536, (320, 480))
    other = write(tmp_path, "other.dng", dng(scene(480, 320), sensor=noise))

    outcomes = list(pool.decode([DecodeTask(f"{path.name} {n}", path) for n in range(4) for path in (other, pruned)]))

    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, DecodeFailure)]
    assert reasons == [Reason.TRUNCATED] * 4
