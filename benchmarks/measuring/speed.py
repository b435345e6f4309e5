"""The speed of the machine, measured between the runs with a fixed calculation."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

from benchmarks.measuring.sample import variation
from benchmarks.measuring.stopwatch import Laps

_BLOCK = bytes(4 << 20)
_BLOCKS = 24
"""96 MiB in total, about 50 ms per core: long enough to be interrupted by other processes that want the CPUs."""

_ENOUGH = 0.75


@dataclass
class Speed(Laps):
    """The times of the calculation, which uses `cores` cores.

    If both times are longer, the CPUs themselves were slower; if only the elapsed time is, others used them meanwhile.
    """

    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    def look(self) -> None:
        """Time the calculation once more: SHA-256 of the same bytes on all cores at the same time."""
        with ThreadPoolExecutor(self.cores) as executor:
            self.time(lambda: list(executor.map(_calculate, range(self.cores))))

    @property
    def share(self) -> float:
        """The share of the CPUs that the calculation got (0 to 1); others used the rest."""
        return median(cpu / (wall * self.cores) for wall, cpu in zip(self.seconds, self.cpu_seconds, strict=True))

    @property
    def crowded(self) -> bool:
        """Whether others used the machine so much that elapsed times are not meaningful."""
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
        """The variation of the speed, the times of the calculation, and its share of the CPUs, for people."""
        varied = variation([self.least_seconds, self.most_seconds])
        return (
            f"the machine's speed varied by {100 * varied:.0f} %: a fixed calculation between the runs took "
            f"{1000 * self.least_seconds:.0f} to {1000 * self.most_seconds:.0f} ms, and "
            f"{1000 * self.least_cpu_seconds:.0f} to {1000 * self.most_cpu_seconds:.0f} ms of CPU time, "
            f"with {100 * self.share:.0f} % of the CPUs"
        )


def _calculate(_: int) -> None:
    digest = hashlib.sha256()
    for _ in range(_BLOCKS):
        digest.update(_BLOCK)
