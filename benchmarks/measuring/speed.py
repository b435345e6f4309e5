"""The machine's own speed, looked at between the runs: what a fixed calculation takes."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from benchmarks.measuring.sample import Sample
from benchmarks.measuring.stopwatch import Laps

_BLOCK = bytes(4 << 20)
_BLOCKS = 24
"""In all 96 MiB, about 0.1 s: long enough to be interrupted by whatever else wants the processors."""


class Speed(Laps):
    """What the calculation took each time.

    If both times are longer, the processors themselves were slower; if that on the wall alone is, others had them
    meanwhile.
    """

    def look(self) -> None:
        """Calculate once more: SHA-256 of the same bytes on each core, all at the same time."""
        cores = len(os.sched_getaffinity(0))
        with ThreadPoolExecutor(cores) as executor:
            self.time(lambda: list(executor.map(_calculate, range(cores))))

    def __str__(self) -> str:
        """By how much the speed varied, and what the calculation took; for people."""
        wall, cpu = (Sample.of([1000 * one for one in values], "ms") for values in (self.seconds, self.cpu_seconds))
        least, most = min(wall.values), max(wall.values)
        return (
            f"the machine's speed varied by {100 * wall.varied:.0f} % (a fixed calculation between the runs took "
            f"{least:.0f} to {most:.0f} ms, and {min(cpu.values):.0f} to {max(cpu.values):.0f} ms of the processors)"
        )


def _calculate(_: int) -> None:
    digest = hashlib.sha256()
    for _ in range(_BLOCKS):
        digest.update(_BLOCK)
