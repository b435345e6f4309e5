"""What was measured several times, in the order in which it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measuring.estimate import Estimate


@dataclass(frozen=True)
class Sample:
    """Values of one quantity in `unit`, one for each repeat.

    `varied` is by how much the runs behind them varied, see `variation`. `noisy`: the machine's speed is in the values.
    """

    values: tuple[float, ...]
    unit: str
    varied: float
    noisy: bool = True

    @classmethod
    def of(cls, values: Sequence[float], unit: str) -> "Sample":
        """A time or a rate that was measured itself, at least once."""
        return cls(tuple(float(value) for value in values), unit, variation(values))

    @classmethod
    def of_sizes(cls, values: Sequence[float]) -> "Sample":
        """Sizes in memory or on disk, given in bytes, told in MB: these are the same on a slow machine."""
        return cls(tuple(value / 1e6 for value in values), "MB", variation(values), noisy=False)

    @classmethod
    def beyond(cls, more: Sequence[float], less: Sequence[float], unit: str, scale: float = 1) -> "Sample":
        """By how much each of `more` exceeds the run of `less` in the same turn, times `scale`.

        The noise of both is in what is left, however little that is. Where one was repeated more often than the other,
        the turns that both had count.
        """
        turns = zip(more, less, strict=False)
        values = tuple(scale * (one - other) for one, other in turns)
        return cls(values, unit, max(variation(more), variation(less)))

    @property
    def estimate(self) -> Estimate:
        """The median, and the interval that it lies in."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> Estimate:
        """The value below which `share` of all values lie, and its interval."""
        return Estimate.of(self.values, self.unit, self.varied, noisy=self.noisy, share=share)

    def over(self, other: "Sample") -> Estimate | None:
        """The ratio to another quantity that was measured in the same turns, turn by turn: what made the machine slow
        for a turn made it so for both. None where one of them cannot be stated.
        """
        ours, theirs = self.estimate, other.estimate
        if ours.refusal or theirs.refusal:
            return None
        if len(self.values) != len(other.values) or min(other.values) <= 0:
            return ours.over(theirs)
        ratios = [one / against for one, against in zip(self.values, other.values, strict=True)]
        return Estimate.of(ratios, "×", max(self.varied, other.varied), noisy=self.noisy or other.noisy)


def variation(equal_runs: Sequence[float]) -> float:
    """By what share of the most the least of several values that should be equal stays behind it, from 0 to 1."""
    return 1 - min(equal_runs) / max(equal_runs) if max(equal_runs) > 0 else 0.0
