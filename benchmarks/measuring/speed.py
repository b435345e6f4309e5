"""The machine's own speed, looked at between the runs: what a fixed calculation takes."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

from benchmarks.measuring.sample import variation
from benchmarks.measuring.stopwatch import Laps

_BLOCK = bytes(4 << 20)
_BLOCKS = 24
"""In all 96 MiB, some 50 ms of each core: long enough to be interrupted by whatever else wants the processors."""

_ENOUGH = 0.75


@dataclass
class Speed(Laps):
    """What the calculation took each time, on each of `cores` cores.

    If both times are longer, the processors themselves were slower; if that on the wall alone is, others had them
    meanwhile.
    """

    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    def look(self) -> None:
        """Calculate once more: SHA-256 of the same bytes on each core, all at the same time."""
        with ThreadPoolExecutor(self.cores) as executor:
            self.time(lambda: list(executor.map(_calculate, range(self.cores))))

    @property
    def share(self) -> float:
        """How much of the processors the calculation had, from 0 to 1; the rest was others'."""
        return median(cpu / (wall * self.cores) for wall, cpu in zip(self.seconds, self.cpu_seconds, strict=True))

    @property
    def crowded(self) -> bool:
        """Whether others used the machine so much that a time on the wall is not that of what was measured."""
        return self.share < _ENOUGH

    @property
    def seen(self) -> "SpeedSeen":
        """For the report."""
        wall, cpu = self.seconds, self.cpu_seconds
        return SpeedSeen(min(wall), max(wall), min(cpu), max(cpu), self.share)


@dataclass(frozen=True)
class SpeedSeen:
    """The least and the most that the calculation took, in seconds, and how much of the processors it had."""

    least_seconds: float
    most_seconds: float
    least_cpu_seconds: float
    most_cpu_seconds: float
    share: float

    def __str__(self) -> str:
        """By how much the speed varied, what the calculation took, and how much of the machine; for people."""
        varied = variation([self.least_seconds, self.most_seconds])
        return (
            f"the machine's speed varied by {100 * varied:.0f} %: a fixed calculation between the runs took "
            f"{1000 * self.least_seconds:.0f} to {1000 * self.most_seconds:.0f} ms, and "
            f"{1000 * self.least_cpu_seconds:.0f} to {1000 * self.most_cpu_seconds:.0f} ms of the processors, "
            f"of which it had {100 * self.share:.0f} %"
        )


def _calculate(_: int) -> None:
    digest = hashlib.sha256()
    for _ in range(_BLOCKS):
        digest.update(_BLOCK)
