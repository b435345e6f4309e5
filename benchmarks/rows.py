"""A row of the report: the pipeline, what it is held against, and how the two stand to each other."""

from dataclasses import dataclass
from typing import Any

from benchmarks.measuring.sample import Sample


@dataclass(frozen=True)
class Target:
    """What a figure should reach: at least, or at most, `value`."""

    value: float
    at_least: bool = True

    def is_reached(self, figure: float) -> bool:
        """Whether a figure does."""
        return figure >= self.value if self.at_least else figure <= self.value


@dataclass(frozen=True)
class Row:
    """A case of the report.

    `figure` is what is judged, in `unit`: `×` for a ratio, `s` for a time. `whole` is the ratio of whole processes,
    where `figure` is that of an image more. `also` are further columns for the second table, by name.
    """

    title: str
    ours: Sample
    against: Sample | None
    reference: str
    figure: float
    unit: str = "×"
    whole: float | None = None
    target: Target | None = None
    note: str = ""
    also: dict[str, str] | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.target is None else self.target.is_reached(self.figure)

    def as_dict(self) -> dict[str, Any]:
        """For the file of results."""
        return {
            "title": self.title,
            "ours": self.ours.as_dict(),
            "against": self.against.as_dict() if self.against else None,
            "reference": self.reference,
            "figure": self.figure,
            "unit": self.unit,
            "whole": self.whole,
            "target": {"value": self.target.value, "at_least": self.target.at_least} if self.target else None,
            "reached": self.reached,
            "note": self.note,
            "also": self.also or {},
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Row":
        """From the file of results."""
        target, against = content["target"], content["against"]
        return cls(
            title=content["title"],
            ours=Sample.from_dict(content["ours"]),
            against=Sample.from_dict(against) if against else None,
            reference=content["reference"],
            figure=content["figure"],
            unit=content["unit"],
            whole=content["whole"],
            target=Target(target["value"], target["at_least"]) if target else None,
            note=content["note"],
            also=content["also"],
        )


@dataclass(frozen=True)
class CaseResult:
    """What a case came to: its rows, and everything that was measured for them.

    `stages` are the seconds of each stage of an image, of the pipeline and of its reference, for the plots, by title;
    `growth` are the sizes of libraries with seconds a file and peak bytes; `table` is Markdown for the report.
    """

    rows: list[Row]
    raw: dict[str, Any]
    stages: dict[str, dict[str, float]] | None = None
    growth: list[dict[str, float]] | None = None
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
