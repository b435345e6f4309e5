"""Whatever happens to a library and to the runs over it: after the next run, the collection is exactly right."""

import os

import pytest
from hypothesis.stateful import run_state_machine_as_test

from image_pipeline_tests.histories.history import World
from image_pipeline_tests.histories.machine import history_settings, make_machine


@pytest.mark.timeout(600)
def test_short_random_histories_end_right(world: World) -> None:
    run_state_machine_as_test(make_machine(world), settings=history_settings(4, 3, derandomize=True))


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_many_random_histories_end_right(world: World) -> None:
    histories = int(os.environ.get("IMAGE_PIPELINE_TESTS_HISTORIES", "110"))
    run_state_machine_as_test(make_machine(world), settings=history_settings(histories, 5))
    assert histories < 110 or world.tally.kills.total() >= 30, str(world.tally)
