"""Progress bars of the stages of a command: images done, rate and time left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from image_pipeline.progress import Progress as Step
from image_pipeline.progress import listening
from image_pipeline.settings import LogFormat, Settings
from image_pipeline.stages.registry import STAGES
from image_pipeline.terminal import echo

LINE_SECONDS = 10.0
"""Seconds between two lines of progress if stderr is not a terminal."""

_WHAT = {
    **{str(stage): declaration.doing for stage, declaration in STAGES.items() if declaration.doing is not None},
    "qdrant_collection": "writing to Qdrant",
    "verification": "reading files",
}


@dataclass
class Stage:
    """A stage over all directories of a command: `done` of at most `total` images, in `seconds` of work."""

    what: str
    done: int = 0
    begun: int = 0
    ahead: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """The images of the directories that were started, and those expected later in the same run."""
        return self.begun + self.ahead

    @property
    def rate(self) -> float | None:
        """Images per second; None until it can be calculated."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until `total` images are done at the current rate; None if the rate is unknown."""
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
    """Adds up the reports of the stages. A stage's clock stops while another stage is running."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, Stage] = {}
        self._current: str | None = None
        self._counted_at = 0.0

    @property
    def current(self) -> Stage | None:
        """The stage that is running, with its clock updated; None before the first."""
        if self._current is None:
            return None
        self._count_time()
        return self._stages[self._current]

    def add(self, step: Step) -> Stage | None:
        """Add a report of a stage; returns the stage, or None if it had nothing to do so far."""
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
        """Add the time since the last report to the current stage, unless it has nothing left to do."""
        now = self._clock()
        stage = self._stages[str(self._current)]
        if stage.done < stage.total:
            stage.seconds += now - self._counted_at
        self._counted_at = now


class _Bars:
    """Progress on a terminal: one bar for the runs, and one for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._runs: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self._stages = Stages()

    def show_run(self, done: int, total: int) -> None:
        """Show that `done` of `total` runs are done."""
        if total > 1:
            if self._runs is None:
                self._runs = self._progress.add_task("runs", total=total, speed="")
            self._progress.update(self._runs, completed=done, total=total)

    def show(self, step: Step) -> None:
        """Show a report of a stage; the numbers add up over the partitions."""
        stage = self._stages.add(step)
        if stage is None:
            return
        if step.stage not in self._bars:
            self._bars[step.stage] = self._progress.add_task(stage.what, speed="")
        self._progress.update(self._bars[step.stage], completed=stage.done, total=stage.total, speed=stage.speed)


class _Lines:
    """Progress without a terminal, as in the log of cron or CI: every ten seconds, a line about the current stage."""

    def __init__(self, seconds: float = LINE_SECONDS) -> None:
        self._seconds = seconds
        self._stages, self._lock = Stages(), Lock()
        self._run = ""

    def show_run(self, done: int, total: int) -> None:
        """Show that `done` of `total` runs are done."""
        self._run = f" (run {min(done + 1, total)} of {total})" if total > 1 else ""

    def show(self, step: Step) -> None:
        """Add a report of a stage."""
        with self._lock:
            self._stages.add(step)

    @contextmanager
    def written(self) -> Iterator[None]:
        """Write the lines while the block runs."""
        ended = Event()
        thread = Thread(target=self._write, args=(ended,), name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _write(self, ended: Event) -> None:
        while not ended.wait(self._seconds):
            with self._lock:
                stage = self._stages.current
                line = None if stage is None else f"image-pipeline: {stage}{self._run}"
            if line is not None:
                echo(line, err=True)


@contextmanager
def show_progress(settings: Settings) -> Iterator[Callable[[int, int], None]]:
    """Show progress on stderr, unless the logs are JSON; yields a function to call with (runs done, total runs)."""
    if settings.log_format is LogFormat.JSON:
        yield lambda done, total: None
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines()
        with lines.written(), listening(lines.show):
            yield lines.show_run
        return
    columns = (
        *(TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()),
        TextColumn("{task.fields[speed]}"),
    )
    with Progress(*columns, console=console) as progress:
        bars = _Bars(progress)
        with listening(bars.show):
            yield bars.show_run


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
