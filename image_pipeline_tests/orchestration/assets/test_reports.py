"""Reports show as many pictures as a person wants to see, and no more than a run can afford."""

import pytest

from image_pipeline.orchestration.assets.reports import PICTURES_OF_UNCHANGED_RUN, pictures_shown


@pytest.mark.parametrize(("partitions", "shown"), [(0, 12), (1, 12), (14, 12), (33, 12), (40, 10), (100, 4), (1000, 4)])
def test_a_run_shows_some_hundreds_of_the_pictures_that_it_indexed(partitions: int, shown: int) -> None:
    assert pictures_shown(partitions) == shown


@pytest.mark.parametrize(("partitions", "shown"), [(1, 12), (3, 8), (100, 4)])
def test_a_run_that_changed_nothing_shows_few(partitions: int, shown: int) -> None:
    assert pictures_shown(partitions, PICTURES_OF_UNCHANGED_RUN) == shown
