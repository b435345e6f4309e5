"""Two programs in turn, over few images and over many, so that what a start costs can be told from the rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measuring.process import Measured
from benchmarks.measuring.sample import Sample

Run = Callable[[int], Measured]


@dataclass
class Contestant:
    """One of the programs: what it came to over `few` images and over `many`, a repeat at a time."""

    few: int
    many: int
    of_few: list[Measured] = field(default_factory=list)
    of_many: list[Measured] = field(default_factory=list)

    @property
    def whole_seconds(self) -> Sample:
        """Of the whole process over many images, start-up and all."""
        return Sample.of([measured.seconds for measured in self.of_many], "s")

    @property
    def milliseconds_an_image(self) -> Sample:
        """The time of an image more, without start-up."""
        return Sample.of(self._an_image([(a.seconds, b.seconds) for a, b in self._pairs]), "ms")

    @property
    def core_milliseconds_an_image(self) -> Sample:
        """The processor time of an image more, of all cores together."""
        return Sample.of(self._an_image([(a.cpu_seconds, b.cpu_seconds) for a, b in self._pairs]), "ms")

    @property
    def peak_megabytes(self) -> Sample:
        """The peak memory over many images."""
        return Sample.of([measured.pss_bytes / 1e6 for measured in self.of_many], "MB")

    @property
    def _pairs(self) -> list[tuple[Measured, Measured]]:
        return list(zip(self.of_few, self.of_many, strict=True))

    def _an_image(self, pairs: Sequence[tuple[float, float]]) -> list[float]:
        return [1000 * (many - few) / (self.many - self.few) for few, many in pairs]

    def as_dict(self) -> dict[str, Any]:
        """For the file of results."""
        return {
            "few": self.few,
            "many": self.many,
            "of_few": [measured.as_dict() for measured in self.of_few],
            "of_many": [measured.as_dict() for measured in self.of_many],
        }


def in_turn(runs: Sequence[Run], few: int, many: int, repeats: int) -> list[Contestant]:
    """Each of `runs` over `few` and over `many` images, one after the other, `repeats` times: A B A B."""
    contestants = [Contestant(few, many) for _ in runs]
    for _ in range(repeats):
        for contestant, run in zip(contestants, runs, strict=True):
            contestant.of_few.append(run(few))
        for contestant, run in zip(contestants, runs, strict=True):
            contestant.of_many.append(run(many))
    return contestants
