"""Programs in turn, over few images and over many, so that what a start costs can be told from the rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.measuring.process import Measured
from benchmarks.measuring.sample import Sample

Run = Callable[[int], Measured]

_TIMES_MORE = 2
"""How often a turn is repeated at most, as a multiple of what was asked for, while the repeats disagree."""


def most_turns(repeats: int) -> int:
    """How many turns there are at most where `repeats` are asked for."""
    return _TIMES_MORE * repeats if repeats > 1 else 1


def take_turns(runs: Sequence[Callable[[], None]], repeats: int, agreed: Callable[[], bool]) -> None:
    """Each of `runs` one after the other, and then the same backwards: A B B A A B …

    That is repeated `repeats` times, and up to as many more while what the runs came to has not `agreed`; one repeat is
    not followed by more. A machine that grows slower or faster meanwhile does so for all of them alike.
    """
    for turn in range(most_turns(repeats)):
        if turn >= repeats and agreed():
            break
        for run in runs if turn % 2 == 0 else reversed(runs):
            run()


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
        return self._an_image(lambda measured: measured.seconds)

    @property
    def core_milliseconds_an_image(self) -> Sample:
        """The processor time of an image more, of all cores together."""
        return self._an_image(lambda measured: measured.cpu_seconds)

    @property
    def peak_megabytes(self) -> Sample:
        """The peak memory over many images."""
        return Sample.of_sizes([measured.pss_bytes for measured in self.of_many])

    def _an_image(self, of: Callable[[Measured], float]) -> Sample:
        few, many = ([of(measured) for measured in runs] for runs in (self.of_few, self.of_many))
        return Sample.beyond(many, few, "ms", 1000 / (self.many - self.few))


def in_turn(programs: Sequence[Run], few: int, many: int, repeats: int) -> list[Contestant]:
    """Each of `programs` over `few` and over `many` images, in turn, until the times of an image more agree."""
    contestants = [Contestant(few, many) for _ in programs]

    def run(program: Run, count: int, kept: list[Measured]) -> Callable[[], None]:
        return lambda: kept.append(program(count))

    both = list(zip(programs, contestants, strict=True))
    runs = [run(program, few, contestant.of_few) for program, contestant in both]
    runs += [run(program, many, contestant.of_many) for program, contestant in both]
    take_turns(runs, repeats, lambda: all(one.milliseconds_an_image.estimate.agreed for one in contestants))
    return contestants
