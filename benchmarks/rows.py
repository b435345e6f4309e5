"""A row of the report: the pipeline, what it is held against, and how the two stand to each other."""

from dataclasses import dataclass
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
        """For the file of results."""
        processor = self.processor
        return {
            "title": self.title,
            "ours": self.ours.as_dict(),
            "against": _optional(self.against),
            "reference": self.reference,
            "figure": _optional(self.figure),
            "whole": _optional(self.whole),
            "target": {"value": self.target.value, "at_least": self.target.at_least} if self.target else None,
            "verdict": self.verdict,
            "note": self.note,
            "processor": {
                "ours": processor.ours.as_dict(),
                "against": _optional(processor.against),
                "figure": _optional(processor.figure),
            }
            if processor
            else None,
            "crowded": self.crowded,
            "memory": [one.as_dict() for one in self.memory] if self.memory else None,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Row":
        """From the file of results. The verdict is found anew."""
        target, processor, memory = content["target"], content["processor"], content["memory"]
        return cls(
            title=content["title"],
            ours=Estimate.from_dict(content["ours"]),
            against=_read(content["against"]),
            reference=content["reference"],
            figure=_read(content["figure"]),
            whole=_read(content["whole"]),
            target=Target(target["value"], target["at_least"]) if target else None,
            note=content["note"],
            processor=Processor(
                Estimate.from_dict(processor["ours"]), _read(processor["against"]), _read(processor["figure"])
            )
            if processor
            else None,
            crowded=content["crowded"],
            memory=(Estimate.from_dict(memory[0]), Estimate.from_dict(memory[1])) if memory else None,
        )


def _optional(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else estimate.as_dict()


def _read(content: dict[str, Any] | None) -> Estimate | None:
    return None if content is None else Estimate.from_dict(content)


@dataclass(frozen=True)
class CaseResult:
    """What a case came to: its rows, and everything that was measured for them.

    `stages` are the milliseconds of each stage of an image, of the pipeline and of its reference, for the plots, by
    title; `growth` are the sizes of libraries with milliseconds a file and peak megabytes; of both, what may be stated.
    `table` is Markdown for the report.
    """

    rows: list[Row]
    raw: dict[str, Any]
    stages: dict[str, dict[str, float]] | None = None
    growth: list[dict[str, float | None]] | None = None
    table: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the file of results."""
        return {
            "rows": [row.as_dict() for row in self.rows],
            "raw": self.raw,
            "stages": self.stages or {},
            "growth": self.growth or [],
            "table": self.table,
        }
