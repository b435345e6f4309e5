"""What the command line does with Dagster: runs in its own process, with progress that moves."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from image_pipeline.ingest import Ingestion, Scan, Summary
from image_pipeline.instance import errors_of_records, open_instance
from image_pipeline.progress import Progress as Step
from image_pipeline.progress import listening
from image_pipeline.repair import Repair, repair
from image_pipeline.retrying import Retried, retry
from image_pipeline.settings import LogFormat, Settings, variable_of
from image_pipeline.storage.store import Store
from image_pipeline.storage.verification import Verification

_WHAT = {
    "image_metadata": "reading metadata",
    "decoded_tensors": "decoding",
    "embeddings": "embedding",
    "captions": "captioning",
    "qdrant_collection": "writing to Qdrant",
    "verification": "reading files",
}


def ingest_with_progress(settings: Settings, allow_deletions: bool) -> Summary:
    """Ingest the library, with a bar on stderr. Raises PipelineError where a stage failed, or too much would vanish."""
    with open_ingestion(settings) as ingestion, _progress(settings) as on_run:
        return ingestion.run(on_run, allow_deletions)


def verify_with_progress(settings: Settings) -> Verification:
    """Compare disk, store and collection, with a bar on stderr. Raises as `Verifier.verify` does."""
    with open_ingestion(settings) as ingestion, _progress(settings):
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


def export_settings(settings: Settings) -> None:
    """Set the environment variables of the settings that differ from their defaults, for processes begun from here."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if value is not None and value != field.default:
            secret = getattr(value, "get_secret_value", None)
            os.environ[variable_of(name)] = str(secret() if secret else value)


@contextmanager
def open_ingestion(settings: Settings) -> Iterator[Ingestion]:
    """The library of `settings`, with Dagster's records in the store (or DAGSTER_HOME)."""
    # the resources name the variable of Qdrant's key, and take its value when a run begins
    export_settings(settings)
    store = Store(settings.home)
    with errors_of_records(store), open_instance(store) as instance:
        yield Ingestion(settings, instance)


class _Bars:
    """One bar for the runs, one for the stage that is under way."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._runs: TaskID | None = None
        self._stages: dict[str, TaskID] = {}

    def show_run(self, done: int, total: int) -> None:
        """`done` of `total` runs are done."""
        if total > 1:
            if self._runs is None:
                self._runs = self._progress.add_task("runs", total=total)
            self._progress.update(self._runs, completed=done)

    def show(self, step: Step) -> None:
        """A step of a stage is done; the stages add up over the partitions."""
        if step.total == 0:
            return
        if step.stage not in self._stages:
            self._stages[step.stage] = self._progress.add_task(_WHAT[step.stage], total=0)
        task = self._progress.tasks[self._stages[step.stage]]
        if step.done == 0:
            self._progress.update(task.id, total=(task.total or 0) + step.total)
        else:
            self._progress.advance(task.id, step.newly)


@contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[int, int], None]]:
    """Bars on stderr, unless the logs go there as JSON; gives what is to be told of the runs that are done."""
    if settings.log_format is LogFormat.JSON:
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bars = _Bars(progress)
        with listening(bars.show):
            yield bars.show_run
