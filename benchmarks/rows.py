"""Rows of the report: measurements of the pipeline and its reference, and their comparison with a target."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from benchmarks.measuring.estimate import Estimate
from benchmarks.measuring.sample import Sample


class Verdict(StrEnum):
    """The result of comparing a figure with its target."""

    REACHED = "yes"
    MISSED = "no"
    OPEN = "open: the target is within the spread"
    UNMEASURED = "not measured"
    CROWDED = "not judged: others used the CPUs"


@dataclass(frozen=True)
class Target:
    """The target of a figure: at least, or at most, `value`."""

    value: float
    at_least: bool = True

    def verdict(self, figure: Estimate | None) -> Verdict:
        """The verdict on a figure: reached or missed only if its whole interval is on that side of the target."""
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
    """The measurements of a row in CPU time, over all cores and all processes except Qdrant's."""

    ours: Estimate
    against: Estimate | None = None
    figure: Estimate | None = None

    @classmethod
    def of_rates(cls, ours: Sample, against: Sample) -> "Processor":
        """From two samples measured in the same turns; `figure` is the ratio of the reference to the pipeline."""
        return cls(ours.estimate, against.estimate, against.over(ours))


@dataclass(frozen=True)
class Row:
    """A case of the report.

    The target applies to `figure`, a ratio or a time; None if it depends on something that cannot be reported. If
    `figure` is a ratio per additional image, `whole` is the ratio of whole processes. `memory` is the peak memory of
    the pipeline and the reference. `crowded` means that others used the machine meanwhile (see `Speed`). Then times are
    not judged, however little they varied; ratios are, because both sides were slowed down equally.
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
        """The verdict on the figure; None without a target."""
        if self.target is None:
            return None
        if self.crowded and self.figure is not None and self.figure.unit in ("s", "ms"):
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
    """The result of a case: its rows, and what the plots show beside them.

    For the plots, `stages` has the milliseconds per image of each stage, by title, for the pipeline and its reference,
    and `growth` has the sizes of libraries with milliseconds per file and peak megabytes. Both contain only values that
    can be reported. `table` is Markdown for the report.
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
