"""Programs run alternately, over few images and over many, so that start-up can be separated from the rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.measuring.process import Measured
from benchmarks.measuring.sample import Sample

Run = Callable[[int], Measured]

_TIMES_MORE = 2
"""Maximum number of turns while the repeats disagree, as a multiple of the requested number."""


def most_turns(repeats: int) -> int:
    """The maximum number of turns if `repeats` are requested."""
    return _TIMES_MORE * repeats if repeats > 1 else 1


def take_turns(runs: Sequence[Callable[[], None]], repeats: int, agreed: Callable[[], bool]) -> None:
    """Call each of `runs` in order, then in reverse order, and so on: A B B A A B …

    There are `repeats` turns, and up to as many more while the results have not `agreed`; if one repeat is requested,
    there is only one turn. If the machine becomes slower or faster meanwhile, that affects all runs equally.
    """
    for turn in range(most_turns(repeats)):
        if turn >= repeats and agreed():
            break
        for run in runs if turn % 2 == 0 else reversed(runs):
            run()


@dataclass
class Contestant:
    """One of the programs: its measurements over `few` and over `many` images, one for each repeat."""

    few: int
    many: int
    of_few: list[Measured] = field(default_factory=list)
    of_many: list[Measured] = field(default_factory=list)

    @property
    def whole_seconds(self) -> Sample:
        """The time of the whole process over many images, including start-up."""
        return Sample.of([measured.seconds for measured in self.of_many], "s")

    @property
    def milliseconds_an_image(self) -> Sample:
        """The time per additional image, without start-up."""
        return self._an_image(lambda measured: measured.seconds)

    @property
    def core_milliseconds_an_image(self) -> Sample:
        """The CPU time per additional image, over all cores."""
        return self._an_image(lambda measured: measured.cpu_seconds)

    @property
    def peak_megabytes(self) -> Sample:
        """The peak memory over many images."""
        return Sample.of_sizes([measured.pss_bytes for measured in self.of_many])

    def _an_image(self, quantity: Callable[[Measured], float]) -> Sample:
        few, many = ([quantity(measured) for measured in runs] for runs in (self.of_few, self.of_many))
        return Sample.beyond(many, few, "ms", 1000 / (self.many - self.few))


def in_turn(programs: Sequence[Run], few: int, many: int, repeats: int) -> list[Contestant]:
    """Run `programs` alternately over `few` and over `many` images, until the times per additional image agree."""
    contestants = [Contestant(few, many) for _ in programs]

    def run(program: Run, count: int, kept: list[Measured]) -> Callable[[], None]:
        return lambda: kept.append(program(count))

    both = list(zip(programs, contestants, strict=True))
    runs = [run(program, few, contestant.of_few) for program, contestant in both]
    runs += [run(program, many, contestant.of_many) for program, contestant in both]
    take_turns(runs, repeats, lambda: all(one.milliseconds_an_image.estimate.agreed for one in contestants))
    return contestants
