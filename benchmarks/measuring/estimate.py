"""Estimates of quantities from repeats: a value, its interval, and whether it may be reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A quantity in `unit`: its `value`, and the interval from `low` to `high` that follows from `count` repeats.

    `varied` and `noisy` are those of `Sample`. As a text, an estimate is its number, or the reason why there is none:
    everything that is printed obeys the rule in `refusal`.
    """

    value: float
    low: float
    high: float
    unit: str
    count: int
    varied: float = 0.0
    noisy: bool = True

    @classmethod
    def of(
        cls, values: Sequence[float], unit: str, varied: float, *, noisy: bool = True, share: float = 0.5
    ) -> "Estimate":
        """The quantile at `share` (by default the median) of the distribution of which the values are a sample.

        The interval comes from order statistics, which hold for any distribution: with a probability of 95 %, the
        quantile of the distribution is between the two chosen values (David and Nagaraja, Order Statistics, 3rd
        edition, section 7.1). With too few values for that, fewer than 6 for a median, it is the minimum and maximum.
        """
        ordered = sorted(values)
        low, high = _ranks(len(ordered), share)
        return cls(_quantile(ordered, share), ordered[low], ordered[high], unit, len(ordered), varied, noisy)

    @classmethod
    def exact(cls, value: float, unit: str, count: int = 1) -> "Estimate":
        """A quantity that is the same in every repeat."""
        return cls(value, value, value, unit, count, noisy=False)

    @property
    def spread(self) -> float:
        """The width of the interval."""
        return self.high - self.low

    @property
    def refusal(self) -> str | None:
        """Why the quantity must not be reported, in words for the report; None if it may be. Only this method decides.

        A quantity is not known if its spread is larger than its value. A time that may be zero or negative is lost in
        the noise of the two times of which it is the difference. The spread of a time that was measured only once is
        unknown.
        """
        if self.noisy and self.count < 2:
            return "measured once"
        if self.spread > self.value or (self.noisy and self.low <= 0):
            return f"could not be measured here: equal runs varied by {100 * self.varied:.0f} %"
        return None

    @property
    def agreed(self) -> bool:
        """Whether the repeats agree well enough: their spread is at most half of what may be reported."""
        return self.refusal is None and self.spread <= self.value / 2

    def over(self, other: "Estimate") -> "Estimate | None":
        """The ratio to a quantity that was not measured in the same turns; None if one of the two cannot be reported.

        The interval is the widest that the two intervals allow.
        """
        if self.refusal or other.refusal or other.low <= 0:
            return None
        low, high = self.low / other.high, self.high / other.low
        count, varied = min(self.count, other.count), max(self.varied, other.varied)
        return Estimate(self.value / other.value, low, high, "×", count, varied, self.noisy or other.noisy)

    def __str__(self) -> str:
        """`12.3 ms (12.1–12.9)`, `12.3 ms` if there is no spread, or the reason why there is no number."""
        if self.refusal:
            return self.refusal
        middle, low, high = (self._number(value) for value in (self.value, self.low, self.high))
        text = f"{middle} {self.unit}".strip()
        return text if self.spread == 0 else f"{text} ({low}–{high})"

    def _number(self, value: float) -> str:
        if not self.unit:
            return f"{value:.4f}"
        if value and abs(value) < 0.095:
            return f"{value:.4f}"
        if abs(value) < 10:
            return f"{value:.2f}"
        return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile, interpolated between the nearest ranks like `statistics.median` and numpy's `percentile`."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _ranks(count: int, share: float) -> tuple[int, int]:
    """The ranks, from 0, of the ordered values that bound a quantile; first and last if there are too few values."""
    below = [comb(count, hits) * share**hits * (1 - share) ** (count - hits) for hits in range(count + 1)]
    tail = (1 - _CONFIDENCE) / 2
    low, seen = 0, 0.0
    for rank in range(count):  # `seen`: the probability that at most `rank` values are below the quantile
        seen += below[rank]
        if seen > tail:
            break
        low = rank
    high, seen = count - 1, 0.0
    for rank in reversed(range(count)):
        seen += below[rank + 1]
        if seen > tail:
            break
        high = rank
    return low, high
