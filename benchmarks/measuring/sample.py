"""What was measured several times: the median, and the spread around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Sample:
    """Values of one quantity in `unit`, in the order in which they were measured."""

    values: tuple[float, ...]
    unit: str

    @classmethod
    def of(cls, values: Sequence[float], unit: str) -> "Sample":
        """A sample of at least one value."""
        return cls(tuple(float(value) for value in values), unit)

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    def __str__(self) -> str:
        """`12.3 ms (12.1–12.9)`: median, and the least and the most where there are several."""
        middle, least, most = (self._text(value) for value in (self.median, min(self.values), max(self.values)))
        text = f"{middle} {self.unit}".strip()
        return text if len(self.values) == 1 else f"{text} ({least}–{most})"

    def _text(self, value: float) -> str:
        return _short(value) if self.unit else f"{value:.4f}"

    def as_dict(self) -> dict[str, Any]:
        """For the file of results."""
        return {"median": self.median, "values": list(self.values), "unit": self.unit}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Sample":
        """From the file of results."""
        return cls.of(content["values"], content["unit"])


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _short(value: float) -> str:
    if value and abs(value) < 0.095:
        return f"{value:.4f}"
    if abs(value) < 10:
        return f"{value:.2f}"
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"
