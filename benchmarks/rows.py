"""A row of the report: the pipeline, what it is held against, and how the two stand to each other."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from benchmarks.measuring.estimate import Estimate
from benchmarks.measuring.sample import Sample


class Verdict(StrEnum):
    """How a figure stands to its target."""

    REACHED = "yes"
    MISSED = "no"
    OPEN = "open: the target lies within the spread"
    UNMEASURED = "not measured"
    CROWDED = "not judged: others used the processors"


@dataclass(frozen=True)
class Target:
    """What a figure should reach: at least, or at most, `value`."""

    value: float
    at_least: bool = True

    def verdict(self, figure: Estimate | None) -> Verdict:
        """Whether a figure does, wherever in its interval it is."""
        if figure is None or figure.refusal:
            return Verdict.UNMEASURED
        worst, best = (figure.low, figure.high) if self.at_least else (figure.high, figure.low)
        if self._is_reached(worst):
            return Verdict.REACHED
        return Verdict.OPEN if self._is_reached(best) else Verdict.MISSED

    def _is_reached(self, figure: float) -> bool:
        return figure >= self.value if self.at_least else figure <= self.value


@dataclass(frozen=True)
class Processor:
    """The same as a row tells of the wall, in processor time: of all cores, and all processes but Qdrant's."""

    ours: Estimate
    against: Estimate | None = None
    figure: Estimate | None = None

    @classmethod
    def of_rates(cls, ours: Sample, against: Sample) -> "Processor":
        """Of two that were measured in the same turns: `figure` is how many times as much the reference takes."""
        return cls(ours.estimate, against.estimate, against.over(ours))


@dataclass(frozen=True)
class Row:
    """A case of the report.

    `figure` is what is judged: a ratio, or a time; None where it is made of something that cannot be stated. `whole` is
    the ratio of whole processes, where `figure` is that of an image more. `memory` is the peak of ours and the
    reference's. `crowded`: others used the machine meanwhile, see `Speed`; a time then holds theirs as well, and
    is not judged, however little it varied. Ratios are, of two that were crowded alike.
    """

    title: str
    ours: Estimate
    against: Estimate | None
    reference: str
    figure: Estimate | None
    whole: Estimate | None = None
    target: Target | None = None
    note: str = ""
    processor: Processor | None = None
    memory: tuple[Estimate, Estimate] | None = None
    crowded: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """How the figure stands to the target; None where there is none."""
        if self.target is None:
            return None
        if self.crowded and self.figure is not None and self.figure.unit == "s":
            return Verdict.CROWDED
        return self.target.verdict(self.figure)

    def as_dict(self) -> dict[str, Any]:
        """For the file of results, without what there is not; the verdict is found when it is read."""
        return _present(asdict(self))

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Row":
        """From the file of results."""
        estimates = {name: Estimate(**content[name]) for name in _ESTIMATES if name in content}
        processor = {name: Estimate(**one) for name, one in content.get("processor", {}).items()}
        memory = [Estimate(**one) for one in content.get("memory", ())]
        return cls(
            title=content["title"],
            ours=estimates["ours"],
            against=estimates.get("against"),
            reference=content["reference"],
            figure=estimates.get("figure"),
            whole=estimates.get("whole"),
            target=Target(**content["target"]) if "target" in content else None,
            note=content["note"],
            processor=Processor(**processor) if processor else None,
            memory=(memory[0], memory[1]) if memory else None,
            crowded=content["crowded"],
        )


_ESTIMATES = ("ours", "against", "figure", "whole")


def _present(content: dict[str, Any]) -> dict[str, Any]:
    """`content` without the entries, at any depth, that are None."""
    return {
        name: _present(value) if isinstance(value, dict) else value
        for name, value in content.items()
        if value is not None
    }


@dataclass(frozen=True)
class CaseResult:
    """What a case came to: its rows, and what the plots show beside them.

    `stages` are the milliseconds of each stage of an image, of the pipeline and of its reference, for the plots, by
    title; `growth` are the sizes of libraries with milliseconds a file and peak megabytes; of both, what may be stated.
    `table` is Markdown for the report.
    """

    rows: list[Row]
    stages: dict[str, dict[str, float]] | None = None
    growth: list[dict[str, float | None]] | None = None
    table: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the file of results."""
        return {
            "rows": [row.as_dict() for row in self.rows],
            "stages": self.stages or {},
            "growth": self.growth or [],
            "table": self.table,
        }
