"""What the command line does with Dagster: runs in its own process, with progress that moves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from image_pipeline.cli.stage_progress import Stages
from image_pipeline.orchestration.ingest import Scan, Summary, open_ingestion
from image_pipeline.orchestration.repair import Repair, repair
from image_pipeline.orchestration.retry import Retried, retry
from image_pipeline.progress import Progress as Step
from image_pipeline.progress import listening
from image_pipeline.services.verification import Verification
from image_pipeline.services.verifier import check_ingested
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import LogFormat, Settings
from image_pipeline.terminal import echo

LINE_SECONDS = 10.0
"""Between two lines of progress, if stderr is no terminal."""


def ingest_with_progress(settings: Settings, allow_deletions: bool) -> Summary:
    """Ingest the library, with a bar on stderr. Raises PipelineError where a stage failed, or too much would vanish."""
    with open_ingestion(settings) as ingestion, _progress(settings) as on_run:
        return ingestion.run(on_run, allow_deletions)


def verify_with_progress(settings: Settings) -> Verification:
    """Compare disk, store and collection, with a bar on stderr. Raises as `check_ingested` and `Verifier.verify` do."""
    with open_ingestion(settings) as ingestion:
        wiring = Wiring(settings)
        check_ingested(wiring.ledger, wiring.address, settings.collection)
        with _progress(settings):
            return ingestion.verifier.verify()


def repair_with_progress(settings: Settings, allow_deletions: bool) -> Repair:
    """Mend what a verification finds, with bars on stderr. Raises as `repair` does."""
    with open_ingestion(settings) as ingestion, _progress(settings) as on_run:
        return repair(ingestion, on_run, allow_deletions)


def retry_with_progress(settings: Settings, paths: Sequence[str]) -> list[Retried]:
    """Try files again that failed, with bars on stderr. Raises as `retry` does."""
    with open_ingestion(settings) as ingestion, _progress(settings) as on_run:
        return retry(ingestion, paths, on_run)


def scan_library(settings: Settings) -> Scan:
    """Scan the library, and register its partitions. Raises LibraryError where it cannot be listed."""
    with open_ingestion(settings) as ingestion:
        return ingestion.scan()


class _Bars:
    """On a terminal: one bar for the runs, one for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._runs: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self._stages = Stages()

    def show_run(self, done: int, total: int) -> None:
        """`done` of `total` runs are done."""
        if total > 1:
            if self._runs is None:
                self._runs = self._progress.add_task("runs", total=total, speed="")
            self._progress.update(self._runs, completed=done, total=total)

    def show(self, step: Step) -> None:
        """A step of a stage is done; the stages add up over the partitions."""
        stage = self._stages.add(step)
        if stage is None:
            return
        if step.stage not in self._bars:
            self._bars[step.stage] = self._progress.add_task(stage.what, speed="")
        self._progress.update(self._bars[step.stage], completed=stage.done, total=stage.total, speed=stage.speed)


class _Lines:
    """Elsewhere, as in a log of cron's or of CI: a line every ten seconds, for the stage that is at work."""

    def __init__(self, seconds: float = LINE_SECONDS) -> None:
        self._seconds = seconds
        self._stages, self._lock = Stages(), Lock()
        self._run = ""

    def show_run(self, done: int, total: int) -> None:
        """`done` of `total` runs are done."""
        self._run = f" (run {min(done + 1, total)} of {total})" if total > 1 else ""

    def show(self, step: Step) -> None:
        """A step of a stage is done."""
        with self._lock:
            self._stages.add(step)

    @contextmanager
    def written(self) -> Iterator[None]:
        """Write the lines for the length of the block."""
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
def _progress(settings: Settings) -> Iterator[Callable[[int, int], None]]:
    """Progress on stderr, unless the logs go there as JSON; gives what is to be told of the runs that are done."""
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
