"""In which order the bench runs things, and how often."""

import pytest

from benchmarks.cases.growth import First, take_all
from benchmarks.measuring.process import Measured
from benchmarks.measuring.turns import in_turn, take_turns


def seconds(value: float) -> Measured:
    return Measured(value, 2 * value, 0, 0, 0)


@pytest.mark.parametrize(
    ("repeats", "agree_after", "order"),
    [
        (2, 0, "ABBA"),
        (3, 3, "ABBAAB"),
        (3, 4, "ABBAABBA"),
        (2, 99, "ABBAABBA"),
        (1, 99, "AB"),
    ],
)
def test_turns_are_there_and_back_and_bounded(repeats: int, agree_after: int, order: str) -> None:
    ran: list[str] = []
    runs = [lambda: ran.append("A"), lambda: ran.append("B")]
    take_turns(runs, repeats, lambda: len(ran) >= 2 * agree_after)
    assert "".join(ran) == order


def test_two_programs_on_a_machine_that_grows_slower_are_told_apart_by_what_they_take() -> None:
    ran: list[str] = []

    def program(name: str, an_image: float, count: int) -> Measured:
        ran.append(f"{name}{count}")
        return seconds(10 + an_image * count + 0.01 * len(ran))

    ours, theirs = in_turn([lambda n: program("A", 0.1, n), lambda n: program("B", 0.3, n)], 10, 20, 2)
    assert ran == ["A10", "B10", "A20", "B20", "B20", "A20", "B10", "A10"]
    assert ours.milliseconds_an_image.estimate.value == pytest.approx(100)
    assert theirs.milliseconds_an_image.estimate.value == pytest.approx(300)
    assert theirs.core_milliseconds_an_image.estimate.value == pytest.approx(600)


def test_programs_whose_repeats_disagree_are_repeated_more_often() -> None:
    times = iter([10.0, 11.0] * 2 + [10.0, 30.0] * 2 + [10.0, 11.0] * 40)
    ours, theirs = in_turn([lambda _: seconds(next(times)), lambda _: seconds(next(times))], 1, 2, 3)
    assert len(ours.of_few) == len(ours.of_many) == len(theirs.of_many) == 6


@pytest.mark.parametrize(
    ("repeats", "slower", "taken"),
    [
        pytest.param((6, 6, 2), 1.1, (6, 6, 2), id="clean"),
        pytest.param((6, 6, 2), 3.0, (12, 12, 4), id="noisy"),
        pytest.param((1, 1, 1), 3.0, (1, 1, 1), id="once"),
    ],
)
def test_libraries_that_grow_are_ingested_until_their_times_agree(
    repeats: tuple[int, ...], slower: float, taken: tuple[int, ...]
) -> None:
    firsts = [First(files, 1, times) for files, times in zip((1, 2000, 20000), repeats, strict=True)]

    def ingest(first: First) -> Measured:
        """Each second time the machine is slower."""
        return seconds((10 + 0.005 * first.files) * (slower if len(first.runs) % 2 else 1))

    take_all(firsts, ingest)
    assert tuple(len(first.runs) for first in firsts) == taken
