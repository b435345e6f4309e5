"""What repeats say of a quantity: a value, the interval around it, and whether it may be stated at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A quantity in `unit`: `value`, which lies between `low` and `high` as far as `count` repeats can say.

    `varied` and `noisy` are those of `Sample`. As a text, an estimate is its number or the reason why there is
    none: nothing that is printed gets round the rule in `refusal`.
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
        """The quantile at `share` (the median, unless another is asked for) of what the values are a sample of.

        The interval is that of order statistics, which holds for any distribution: with a probability of 95 % the
        quantile of all runs that there could be lies between the two values that are taken (David and Nagaraja, Order
        Statistics, 3rd edition, section 7.1). Fewer values than that needs, for a median 6, give their least and most.
        """
        ordered = sorted(values)
        low, high = _ranks(len(ordered), share)
        return cls(_quantile(ordered, share), ordered[low], ordered[high], unit, len(ordered), varied, noisy)

    @classmethod
    def exact(cls, value: float, unit: str, count: int = 1) -> "Estimate":
        """A quantity that a repeat would not change."""
        return cls(value, value, value, unit, count, noisy=False)

    @property
    def spread(self) -> float:
        """The width of the interval."""
        return self.high - self.low

    @property
    def refusal(self) -> str | None:
        """Why the quantity must not be stated, in words for the report; None where it may be. The rule is here alone.

        A quantity whose spread is larger than itself is not known. A time that may be nothing or less, as no time is,
        is lost in the noise of what it is the difference of. And of a time that was taken once, no spread is known.
        """
        if self.noisy and self.count < 2:
            return "measured once"
        if self.spread > self.value or (self.noisy and self.low <= 0):
            return f"could not be measured here: equal runs varied by {100 * self.varied:.0f} %"
        return None

    @property
    def agreed(self) -> bool:
        """Whether repeats agree so well that further ones are not needed: to half of the spread that may be stated."""
        return self.refusal is None and self.spread <= self.value / 2

    def over(self, other: "Estimate") -> "Estimate | None":
        """The ratio to a quantity that was not measured in the same turns; None where one of both cannot be stated.

        The interval is the widest that the two intervals allow.
        """
        if self.refusal or other.refusal or other.low <= 0:
            return None
        low, high = self.low / other.high, self.high / other.low
        count, varied = min(self.count, other.count), max(self.varied, other.varied)
        return Estimate(self.value / other.value, low, high, "×", count, varied, self.noisy or other.noisy)

    def __str__(self) -> str:
        """`12.3 ms (12.1–12.9)`, `12.3 ms` where there is no spread, or why there is no number."""
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
    """Between the two nearest ranks, as `statistics.median` takes it and numpy's `percentile` does."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _ranks(count: int, share: float) -> tuple[int, int]:
    """Between which of the ordered values, from 0, a quantile lies; the first and the last if no others will do."""
    below = [comb(count, hits) * share**hits * (1 - share) ** (count - hits) for hits in range(count + 1)]
    tail = (1 - _CONFIDENCE) / 2
    low, seen = 0, 0.0
    for rank in range(count):  # as many values below the quantile as `rank`, or fewer, are that unlikely
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
