"""The machine's own speed, looked at between the runs: what a fixed calculation takes."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

from benchmarks.measuring.sample import Sample
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

    def __str__(self) -> str:
        """By how much the speed varied, what the calculation took, and how much of the machine; for people."""
        wall, cpu = (Sample.of([1000 * one for one in values], "ms") for values in (self.seconds, self.cpu_seconds))
        least, most = min(wall.values), max(wall.values)
        return (
            f"the machine's speed varied by {100 * wall.varied:.0f} %: a fixed calculation between the runs took "
            f"{least:.0f} to {most:.0f} ms, and {min(cpu.values):.0f} to {max(cpu.values):.0f} ms of the processors, "
            f"of which it had {100 * self.share:.0f} %"
        )


def _calculate(_: int) -> None:
    digest = hashlib.sha256()
    for _ in range(_BLOCKS):
        digest.update(_BLOCK)
