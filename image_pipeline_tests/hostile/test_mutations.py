"""Damaged files of every format: none crashes, hangs, is lost or told twice, and memory stays within bounds."""

import sys
from pathlib import Path

import pytest

from image_pipeline.imaging.pool import DecodeFailure, DecodeOutcome, DecodeTask, WorkerPool
from image_pipeline.schema.outcome import Reason
from image_pipeline_tests.hostile.census import LIMITS, Census, take_census
from image_pipeline_tests.hostile.mutations import Damage, mutated_files
from image_pipeline_tests.support.scenes import write
from image_pipeline_tests.support.specimens import SIZE, specimens

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, as only Linux has it")

_MOST_GROWTH = 100 << 20


def check(census: Census, count: int) -> None:
    assert len(census.outcomes) == count
    assert not census.twice
    assert census.parent_growth_bytes < _MOST_GROWTH
    assert census.worker_bytes <= LIMITS.address_space_bytes
    assert census.slowest_s < 2 * LIMITS.seconds
    for outcome in census.outcomes.values():
        if isinstance(outcome, DecodeFailure):
            assert 0 < len(outcome.message.encode("utf-8")) < 1000 and outcome.message.isprintable()
    assert census.reasons[Reason.TIMEOUT] == census.reasons[Reason.UNREADABLE] == 0
    # A pool that rejects everything, or nothing, would pass what stands above.
    assert census.reasons["decoded"] > count / 10
    assert census.reasons[Reason.CORRUPT] > count / 10
    assert census.reasons[Reason.TRUNCATED] > count / 10


def test_every_specimen_is_sound(tmp_path: Path) -> None:
    tasks = [DecodeTask(name, write(tmp_path, name, content)) for name, content in specimens().items()]

    with WorkerPool(workers=2) as pool:
        outcomes = list(pool.decode(tasks))

    assert len(outcomes) == len(tasks)
    for outcome in outcomes:
        assert isinstance(outcome, DecodeOutcome), outcome
        assert (outcome.width, outcome.height) == ((480, 320) if outcome.key.endswith(".dng") else SIZE)


def test_the_same_seed_gives_the_same_files() -> None:
    once, again, otherwise = (list(mutated_files(100, seed)) for seed in (1, 1, 2))

    assert once == again
    assert once != otherwise


def test_every_kind_of_damage_reaches_every_specimen() -> None:
    files = list(mutated_files(len(Damage) * len(specimens()), seed=3))

    assert len({(file.damage, file.specimen) for file in files}) == len(files)
    changed = [file for file in files if file.content != specimens()[file.specimen]]
    assert len(changed) > 0.97 * len(files)


def test_damaged_files_cost_themselves_alone(tmp_path: Path) -> None:
    check(take_census(mutated_files(1200, seed=20), tmp_path), 1200)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(5))
def test_many_damaged_files_cost_themselves_alone(tmp_path: Path, seed: int) -> None:
    check(take_census(mutated_files(4000, seed=100 + seed), tmp_path), 4000)
