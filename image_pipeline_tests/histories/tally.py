"""What the histories came to: how many, what befell them, and how far the killed runs had come."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts; and what happened in each history that failed."""

    histories: int = 0
    runs: int = 0
    operations: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def killed(self, furthest: object) -> None:
        """A run was killed, and this was the last place where it had changed something."""
        self.kills[str(furthest or "before any change")] += 1

    def __str__(self) -> str:
        kills = ", ".join(f"{place} {count}" for place, count in self.kills.most_common())
        faults = ", ".join(f"{name} {count}" for name, count in self.faults.most_common())
        return (
            f"{self.histories} histories, {self.operations} operations, {self.runs} runs; faults: {faults}; "
            f"{self.kills.total()} kills, by the last place that the run had changed: {kills}"
        )
