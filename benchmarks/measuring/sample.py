"""Samples: repeated measurements of a quantity, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measuring.estimate import Estimate


@dataclass(frozen=True)
class Sample:
    """Values of one quantity in `unit`, one for each repeat.

    `varied` is the `variation` of the runs behind the values. `noisy` means that the values depend on the machine's
    speed.
    """

    values: tuple[float, ...]
    unit: str
    varied: float
    noisy: bool = True

    @classmethod
    def of(cls, values: Sequence[float], unit: str) -> "Sample":
        """A time or a rate that was measured directly, at least once."""
        return cls(tuple(float(value) for value in values), unit, variation(values))

    @classmethod
    def of_sizes(cls, values: Sequence[float]) -> "Sample":
        """Sizes in memory or on disk, from bytes, in MB; they do not depend on the machine's speed."""
        return cls(tuple(value / 1e6 for value in values), "MB", variation(values), noisy=False)

    @classmethod
    def beyond(cls, more: Sequence[float], less: Sequence[float], unit: str, scale: float = 1) -> "Sample":
        """The differences between each of `more` and the run of `less` in the same turn, times `scale`.

        A difference contains the noise of both, however small it is. If one was repeated more often than the other,
        only the turns that both had count.
        """
        turns = zip(more, less, strict=False)
        values = tuple(scale * (one - other) for one, other in turns)
        return cls(values, unit, max(variation(more), variation(less)))

    @property
    def estimate(self) -> Estimate:
        """The median and its interval."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> Estimate:
        """The quantile at `share` (0 to 1) and its interval."""
        return Estimate.of(self.values, self.unit, self.varied, noisy=self.noisy, share=share)

    def over(self, other: "Sample") -> Estimate | None:
        """The ratio, turn by turn, to a quantity that was measured in the same turns: a slow turn affects both.

        None if one of the two cannot be reported.
        """
        ours, theirs = self.estimate, other.estimate
        if ours.refusal or theirs.refusal:
            return None
        if len(self.values) != len(other.values) or min(other.values) <= 0:
            return ours.over(theirs)
        ratios = [one / against for one, against in zip(self.values, other.values, strict=True)]
        return Estimate.of(ratios, "×", max(self.varied, other.varied), noisy=self.noisy or other.noisy)


def variation(equal_runs: Sequence[float]) -> float:
    """The range of values that should be equal, as a share of the maximum (0 to 1)."""
    return 1 - min(equal_runs) / max(equal_runs) if max(equal_runs) > 0 else 0.0
