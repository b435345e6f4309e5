"""Progress as people see it: how far, how fast, how much longer."""

import io
import time

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import TextColumn

from image_pipeline.cli.progress_bars import Stages, _Bars, _Lines
from image_pipeline.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def work(stages: Stages, clock: Clock, stage: str, images: int, seconds: float, ahead: int = 0) -> None:
    """Begin a directory of a stage, and do all of it."""
    stages.add(Progress(stage, 0, images, 0, ahead))
    clock.now += seconds
    stages.add(Progress(stage, images, images, images, ahead))


def test_what_is_left_counts_the_directories_that_are_still_to_begin() -> None:
    clock = Clock()
    stages = Stages(clock)
    work(stages, clock, "decoded_tensors", 10, 5.0, ahead=590)
    assert str(stages.current) == "decoding: 10 of 600, 2/s, 5 min left"
    work(stages, clock, "decoded_tensors", 590, 295.0)
    assert str(stages.current) == "decoding: 600 of 600, 2/s"


def test_the_clock_of_a_stage_stands_still_while_another_is_at_work() -> None:
    clock = Clock()
    stages = Stages(clock)
    work(stages, clock, "embeddings", 100, 2.0)
    work(stages, clock, "captions", 100, 100.0)
    stages.add(Progress("embeddings", 0, 200, 0))
    clock.now += 2.0
    stages.add(Progress("embeddings", 100, 200, 100))
    assert str(stages.current) == "embedding: 200 of 300, 50/s, 2 s left"


def test_a_stage_that_stands_still_gets_slower() -> None:
    clock = Clock()
    stages = Stages(clock)
    stages.add(Progress("captions", 0, 16, 0))
    assert str(stages.current) == "captioning: 0 of 16"
    clock.now += 4.0
    stages.add(Progress("captions", 8, 16, 8))
    clock.now += 3600 - 4.0
    assert str(stages.current) == "captioning: 8 of 16, 0.0022/s, 1 h 00 min left"


def test_directories_that_have_nothing_to_do_are_not_waited_for() -> None:
    clock = Clock()
    stages = Stages(clock)
    work(stages, clock, "image_metadata", 10, 1.0, ahead=50)
    stages.add(Progress("image_metadata", 0, 0, 0, ahead=0))
    assert str(stages.current) == "reading metadata: 10 of 10, 10/s"


def test_without_a_terminal_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _Lines(0.02)
    with lines.written():
        lines.show_run(2, 12)
        lines.show(Progress("captions", 0, 1200, 0))
        lines.show(Progress("captions", 8, 1200, 8))
        written, ends_at = "", time.monotonic() + 20
        while "8 of" not in written and time.monotonic() < ends_at:
            time.sleep(0.01)
            written += capsys.readouterr().err
    line = next(line for line in written.splitlines() if "8 of" in line)
    assert line.startswith("image-pipeline: captioning: 8 of 1,200, ") and "/s, " in line
    assert line.endswith(" left (run 3 of 12)")


def test_on_a_terminal_a_bar_has_a_rate_and_what_is_left() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with RichProgress(TextColumn("{task.description}: {task.fields[speed]}"), console=console) as progress:
        bars = _Bars(progress)
        bars.show(Progress("decoded_tensors", 0, 10, 0, 90))
        time.sleep(0.01)
        bars.show(Progress("decoded_tensors", 5, 10, 5, 90))
        [task] = progress.tasks
        assert (task.completed, task.total) == (5, 100)
    assert "decoding: " in screen.getvalue() and "/s, " in screen.getvalue() and " left" in screen.getvalue()
