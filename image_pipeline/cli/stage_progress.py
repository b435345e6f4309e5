"""How far the stages of a command have come, how fast, and for how long they go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from image_pipeline.progress import Progress
from image_pipeline.stages.registry import STAGES

_WHAT = {
    **{str(stage): declaration.doing for stage, declaration in STAGES.items() if declaration.doing is not None},
    "qdrant_collection": "writing to Qdrant",
    "verification": "reading files",
}


@dataclass
class Stage:
    """A stage over all directories of a command: `done` of at most `total` images in `seconds` of work on them."""

    what: str
    done: int = 0
    begun: int = 0
    ahead: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """The images of the directories that were begun, and those that may follow in the same run."""
        return self.begun + self.ahead

    @property
    def rate(self) -> float | None:
        """Images a second; None before there is anything to tell it from."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until `total` images are done at this rate."""
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def speed(self) -> str:
        """Rate and time left, for people."""
        if self.rate is None or self.seconds_left is None:
            return ""
        rate = f"{self.rate:,.0f}/s" if self.rate >= 10 else f"{self.rate:.2g}/s"
        return rate if self.done >= self.total else f"{rate}, {_duration(self.seconds_left)} left"

    def __str__(self) -> str:
        speed = f", {self.speed}" if self.speed else ""
        return f"{self.what}: {self.done:,} of {self.total:,}{speed}"


class Stages:
    """Adds up what the stages report. A stage's clock stands still while another one is at work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, Stage] = {}
        self._current: str | None = None
        self._counted_at = 0.0

    @property
    def current(self) -> Stage | None:
        """The stage that is at work; its clock is put right. None before the first."""
        if self._current is None:
            return None
        self._count_time()
        return self._stages[self._current]

    def add(self, step: Progress) -> Stage | None:
        """A step of a stage is done; gives the stage, None if it had nothing to do so far."""
        if step.total == 0:
            known = self._stages.get(step.stage)
            if known is not None:
                known.ahead = step.ahead
            return known
        stage = self._stages.setdefault(step.stage, Stage(_WHAT[step.stage]))
        if self._current is not None:
            self._count_time()
        self._current, self._counted_at = step.stage, self._clock()
        if step.done == 0:
            stage.begun += step.total
        stage.done += step.newly
        stage.ahead = step.ahead
        return stage

    def _count_time(self) -> None:
        """Add the time since the last step, to the stage that took it, unless it has nothing left to do."""
        now = self._clock()
        stage = self._stages[str(self._current)]
        if stage.done < stage.total:
            stage.seconds += now - self._counted_at
        self._counted_at = now


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
