"""Which figures the bench may state, by what repeats came to."""

import random
from statistics import median

import pytest

from benchmarks.measuring.sample import Sample, variation
from benchmarks.rows import Row

FEW, MANY = [10.0, 10.2, 9.9], [16.0, 16.3, 15.9]
"""Seconds over few images and over many, of a machine that does nothing else."""


def an_image(few: list[float], many: list[float]) -> Sample:
    return Sample.beyond(many, few, "ms", 1000 / 100)


def test_what_repeats_agree_on_is_stated_with_its_spread() -> None:
    assert str(an_image(FEW, MANY).estimate) == "60.0 ms (60.0–61.0)"


@pytest.mark.parametrize(
    ("few", "many"),
    [
        pytest.param([12.0, 9.0, 11.0], [11.0, 12.0, 10.0], id="less than nothing"),
        pytest.param([12.0, 12.1], [11.0, 11.2], id="always less than nothing"),
        pytest.param([10.0, 10.0, 10.0], [10.0, 10.0, 10.0], id="nothing"),
        pytest.param([10.0, 15.9, 12.0], [16.0, 16.0, 16.0], id="between nearly nothing and a lot"),
    ],
)
def test_a_time_that_the_noise_swallows_is_never_a_number(few: list[float], many: list[float]) -> None:
    estimate = an_image(few, many).estimate
    varied = 100 * max(variation(few), variation(many))
    assert str(estimate) == f"could not be measured here: equal runs varied by {varied:.0f} %"
    assert not estimate.agreed


@pytest.mark.parametrize("sample", [an_image(FEW[:1], MANY[:1]), Sample.of([12.34], "s"), Sample.of([99], "img/s")])
def test_a_time_or_a_rate_that_was_measured_once_is_not_stated(sample: Sample) -> None:
    assert str(sample.estimate) == "measured once"
    assert sample.over(sample) is None


def test_a_size_is_stated_even_if_measured_once_and_if_it_is_nothing() -> None:
    assert str(Sample.of_sizes([12_340_000]).estimate) == "12.3 MB"
    assert str(Sample.of_sizes([0, 0, 0]).estimate) == "0.00 MB"


def test_a_spread_larger_than_the_quantity_is_no_quantity() -> None:
    assert "varied by 86 %" in str(Sample.of([1.0, 2.0, 7.0], "s").estimate)


def test_a_ratio_is_none_if_one_of_its_parts_is() -> None:
    clean, noisy = an_image(FEW, MANY), an_image([12.0, 9.0, 11.0], [11.0, 12.0, 10.0])
    assert clean.over(noisy) is None
    assert noisy.over(clean) is None
    assert clean.estimate.over(noisy.estimate) is None
    assert noisy.estimate.over(clean.estimate) is None


def test_a_machine_that_slows_both_in_a_turn_does_not_spread_their_ratio() -> None:
    ours, theirs = Sample.of([10.0, 20.0, 12.0], "s"), Sample.of([30.0, 60.0, 36.0], "s")
    assert str(theirs.over(ours)) == "3.00 ×"
    apart = theirs.estimate.over(ours.estimate)
    assert apart is not None
    assert (apart.low, apart.high) == (1.5, 6.0)
    assert apart.refusal


def test_a_ratio_of_what_was_not_repeated_as_often_has_the_widest_interval() -> None:
    ratio = Sample.of_sizes([1500e6]).over(Sample.of_sizes([1400e6, 1350e6, 1420e6]))
    assert str(ratio) == "1.07 × (1.06–1.11)"


@pytest.mark.parametrize(("count", "low", "high"), [(2, 0, 1), (5, 0, 4), (8, 0, 7), (9, 1, 7), (20, 5, 14)])
def test_further_repeats_narrow_the_interval_of_a_median(count: int, low: int, high: int) -> None:
    # ranks from the tables for the sign test
    estimate = Sample.of([float(value) for value in range(1, count + 1)], "s").estimate
    assert (estimate.low, estimate.high) == (low + 1, high + 1)
    assert estimate.value == median(range(1, count + 1))


def test_the_interval_holds_the_quantile_about_as_often_as_it_says() -> None:
    rng = random.Random(4)
    for share in (0.5, 0.95):
        samples = [Sample.of([rng.random() ** 3 for _ in range(100)], "s").quantile(share) for _ in range(500)]
        held = sum(one.low <= share**3 <= one.high for one in samples) / len(samples)
        assert held > 0.93, share


def test_what_is_read_from_a_file_follows_the_rule_of_today() -> None:
    kept = Row("a", an_image(FEW, MANY).estimate, None, "", None).as_dict()
    kept["ours"]["low"] = -1.0
    assert str(Row.from_dict(kept).ours).startswith("could not be measured here")
