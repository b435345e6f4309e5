"""Whatever happens to a library and to the runs over it: after the next run, the collection is exactly right."""

import os

import pytest

from image_pipeline_tests.histories.history import World
from image_pipeline_tests.histories.machine import history_settings, run_histories

_HISTORIES = int(os.environ.get("IMAGE_PIPELINE_TESTS_HISTORIES", "110"))
_AT_ONCE = 10
"""Histories that one engine of hypothesis draws. One that drew a hundred ended once in its own check that equal draws
come again, with no history that had failed; many small ones have little that such a check could compare."""


@pytest.mark.timeout(600)
def test_short_random_histories_end_right(world: World) -> None:
    run_histories(world, history_settings(4, 3, derandomize=True))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(-(-_HISTORIES // _AT_ONCE)))
def test_many_random_histories_end_right(world: World, part: int) -> None:
    run_histories(world, history_settings(_AT_ONCE, 5))


@pytest.mark.long
def test_the_histories_were_many_and_their_kills_too(world: World) -> None:
    if _HISTORIES < 110:
        pytest.skip("IMAGE_PIPELINE_TESTS_HISTORIES asks for fewer")
    assert world.tally.histories >= 100, str(world.tally)
    assert world.tally.kills.total() >= 30, str(world.tally)
