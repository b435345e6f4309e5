"""Ingestion of a whole library by the command line: compares disk and ledger, and executes the jobs."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from image_pipeline.collection.ownership import own_collection
from image_pipeline.errors import PipelineError, RunInterruptedError, ServiceUnavailableError
from image_pipeline.files.deletions import DeletionLimit, renamed_keys, vanished_files
from image_pipeline.files.discovery import walk
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import (
    ListedPartition,
    PartitionRange,
    PartitionState,
    State,
    compare,
    group_into_ranges,
    list_partitions,
    without_unlisted,
)
from image_pipeline.files.unlisted import Unlisted, UnlistedError
from image_pipeline.orchestration.build import make_definitions
from image_pipeline.orchestration.instance import errors_of_records, open_instance, unusable_records
from image_pipeline.orchestration.interruption import INTERRUPTED, INTERRUPTIONS
from image_pipeline.orchestration.partitions import (
    ALLOW_DELETIONS_TAG,
    PARTITIONS_PER_RUN,
    range_tags,
    register,
    registered_keys,
    within_range,
)
from image_pipeline.patches import release_memory, store_events_in_batches, sync_records_rarely
from image_pipeline.services.renewal import renew
from image_pipeline.services.verifier import Verifier
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings, export_settings
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.private_files import keep_private
from image_pipeline.storage.tensors import sweep_tensors
from image_pipeline.traces import SERVICE, start_traces

_QUIET_LOGS = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_ERRORS_OF_RECORDS = "sqlalchemy.exc."  # SQLAlchemy is used only for Dagster's databases
_INTERRUPTIONS = [interruption.__name__ for interruption in INTERRUPTIONS]


class RunFailedError(PipelineError):
    """A run of a job failed; the message is that of its first failed step."""


@dataclass(frozen=True)
class Scan:
    """Comparison of the library on disk with the ledger: `vanished` of the `ingested` files are missing on disk.

    Nothing is known about the directories in `unlisted` and those below them.
    """

    states: list[PartitionState]
    vanished: int
    ingested: int
    unlisted: Unlisted

    def keys(self, *states: State) -> list[str]:
        """The keys of the partitions in one of `states`."""
        return [state.key for state in self.states if state.state in states]


@dataclass(frozen=True)
class Summary:
    """The result of an ingestion. `directories`, `files`, `indexed` and `quarantined` count the whole library.

    `embedded` and `captioned` count the images that went through a model, `unchanged` the points that were already up
    to date, and `deleted` the deleted points.
    """

    directories: int
    files: int
    indexed: int
    quarantined: int
    unchanged: int
    embedded: int
    captioned: int
    deleted: int
    seconds: float


class PartlyIngestedError(UnlistedError):
    """The directories `unlisted` cannot be listed. All others are up to date; `summary` is the result."""

    def __init__(self, unlisted: Unlisted, summary: Summary) -> None:
        super().__init__(str(unlisted.error), unlisted)
        self.summary = summary


class Ingestion:
    """Scans and ingests the library of `settings`, with Dagster's records in `instance`."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self._settings, self._instance = settings, instance
        self._definitions = make_definitions(settings)
        self._wiring = Wiring(settings)

    @property
    def ledger(self) -> Ledger:
        """The ledger of the store: ingested partitions, the quarantine, and the history of files."""
        return self._wiring.ledger

    @property
    def library_root(self) -> Path:
        """The root of the library. Raises SettingsError or LibraryError if there is none, or it cannot be read."""
        return self._wiring.library_root

    @property
    def verifier(self) -> Verifier:
        """The verifier of the library against the collection. Raises as `scan` does."""
        return self._wiring.verifier

    @property
    def deletion_share(self) -> float:
        """The share of the library (0 to 1) that may disappear at a time."""
        return self._settings.deletion_share

    def scan(self) -> Scan:
        """Compare disk and ledger, and register the partitions with Dagster.

        Raises LibraryError if the library cannot be listed, ModelError if the configuration of the models is not
        available, and CollectionError if the collection belongs to a different library.
        """
        root, ledger, recipe = self._wiring.library_root, self._wiring.ledger, self._wiring.recipe
        address, alias = self._wiring.address, self._settings.collection
        versions = None
        with suppress(ServiceUnavailableError):  # the runs wait for Qdrant, and report that
            renew(self._wiring)
            versions = address.versions(alias)
        # fail before any work is done; a Qdrant that is not shared always belongs to the store
        if versions and address.traits.is_shared:
            with address.connect(alias) as qdrant:
                own_collection(qdrant, ledger.libraries())
        ledger.set_outdated_to_try(self._wiring.limits)
        ingested = ledger.ingested(recipe, versions)
        known = registered_keys(self._instance)
        # a killed run may have written points of a partition that never reached the ledger
        begun = [key for key in known if key not in ingested and Partition.is_key(key)]
        unlisted = Unlisted()
        listed = list_partitions(walk(root, unlisted), self._settings.partition_size, [*ingested, *begun])
        seen = without_unlisted(ingested, unlisted)
        states = compare(listed, seen)
        states += [PartitionState(key, 0, State.GONE) for key in begun if _is_gone(key, listed, unlisted)]
        register(self._instance, [state.key for state in states if state.key not in set(known)])
        passed_over = dict.fromkeys([*(Partition(name).key for name in unlisted.directories), *ingested])
        states += [PartitionState(key, 0, State.UNLISTED) for key in passed_over if key not in seen]
        before = ledger.renamed()
        renamed = renamed_keys(listed, seen, before)
        if renamed != before:
            ledger.set_renamed(renamed)
        vanished = vanished_files(listed, seen, renamed)
        return Scan(states, vanished, sum(entry.files for entry in ingested.values()), unlisted)

    def run(
        self,
        on_run: Callable[[int, int], None] = lambda done, total: None,
        allow_deletions: bool = False,
        only: Collection[str] | None = None,
    ) -> Summary:
        """Bring the collection up to date; `on_run` is called with the numbers of finished and of all runs.

        If `only` is given, only these directories are ingested, and nothing is retired.

        Raises LibraryError if more files would disappear than are allowed without `allow_deletions`;
        PartlyIngestedError if a directory cannot be listed, once all others are up to date; RunFailedError if a stage
        failed (finished work is kept); RunInterruptedError if the run was interrupted.
        """
        began = time.monotonic()
        scan = self.scan()
        allowed = {ALLOW_DELETIONS_TAG: "true"} if allow_deletions else {}
        changed = {s.key: s.files for s in scan.states if s.state in (State.NEW, State.CHANGED)}
        pending = {
            key: files for key, files in changed.items() if only is None or Partition.from_key(key).directory in only
        }
        gone: list[str] = []
        if only is None:
            DeletionLimit(self._settings.deletion_share, allow_deletions).check(scan.vanished, scan.ingested)
            gone = scan.keys(State.GONE)
        totals: dict[str, int] = {}
        done = 0
        while ranges := self._ranges(pending):
            partition_range = ranges[0]
            on_run(done, done + len(ranges))
            if done:
                release_memory()
            with within_range(partition_range.keys):
                result = self._execute("ingest", tags=range_tags(partition_range) | allowed)
            for event in result.get_asset_materialization_events():
                for name, value in event.materialization.metadata.items():
                    if isinstance(value, dg.IntMetadataValue) and value.value is not None:
                        totals[name] = totals.get(name, 0) + value.value
            for key in partition_range.keys:
                del pending[key]
            done += 1
        on_run(done, done)
        deleted = totals.get("points_deleted", 0)
        if gone:
            config = {"ops": {"retire_partitions": {"config": {"keys": gone}}}}
            deleted += int(self._execute("retire", config=config).output_for_node("retire_partitions"))
        if not self._settings.keep_decoded_tensors:
            sweep_tensors(self._wiring.store)
        entries = self._wiring.ledger.entries()
        untouched = sum(entries[key].indexed for key in scan.keys(State.INGESTED) if key in entries)
        summary = _summary(entries, totals, untouched, deleted, time.monotonic() - began)
        if unlisted := scan.unlisted if only is None else scan.unlisted.among(only):
            raise PartlyIngestedError(unlisted, summary)
        return summary

    def _ranges(self, pending: Mapping[str, int]) -> list[PartitionRange]:
        """The ranges for the `pending` partitions, without those that a different process has unregistered since."""
        registered = registered_keys(self._instance)
        return group_into_ranges(registered, pending, self._settings.partition_size, PARTITIONS_PER_RUN)

    def _execute(
        self, job: str, tags: Mapping[str, str] | None = None, config: Mapping[str, object] | None = None
    ) -> dg.ExecuteInProcessResult:
        result = self._definitions.resolve_job_def(job).execute_in_process(
            instance=self._instance,
            tags=dict(tags or {}),
            run_config={**_QUIET_LOGS, **(config or {})},
            raise_on_error=False,
        )
        if _is_interrupted(result):
            if (run := self._instance.get_run_by_id(result.run_id)) and run.status is dg.DagsterRunStatus.FAILURE:
                self._instance.report_run_canceled(run, INTERRUPTED)  # it was interrupted between two steps
            raise RunInterruptedError(INTERRUPTED)
        if not result.success:
            raise RunFailedError(f"{self._failure(result)} (run {result.run_id})")
        return result

    def _failure(self, result: dg.ExecuteInProcessResult) -> str:
        for event in result.get_step_failure_events():
            data = event.step_failure_data
            if data.user_failure_data is not None and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            if data.error is not None:
                causes = list(_causes(data.error))
                cause = causes[-1]
                # Dagster could not record the work of the step, but could record its failure.
                if any(error.message.startswith(_ERRORS_OF_RECORDS) for error in causes):
                    are_files = any("sqlite3." in error.message for error in causes)
                    return unusable_records(cause.message.partition(": ")[2].strip(), self._wiring.store, are_files)
                return f"The step {event.step_key} failed: {cause.message.strip()}"
        return (
            "The run failed, and Dagster could not record why: make room on the disk of its records (DAGSTER_HOME, or "
            "the store), and start again"
        )


@contextmanager
def open_ingestion(settings: Settings) -> Iterator[Ingestion]:
    """Open the library of `settings`, with Dagster's records in the store (or DAGSTER_HOME)."""
    # the resources name the environment variable of Qdrant's key, and read its value when a run begins
    export_settings(settings)
    start_traces(settings.traces, SERVICE)
    keep_private()
    store_events_in_batches()
    sync_records_rarely()
    store = Wiring(settings).store
    with errors_of_records(store), open_instance(store) as instance:
        yield Ingestion(settings, instance)


def _is_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Whether a run was interrupted, even between two steps or before the first, when no step fails."""
    ends = [event for event in result.all_events if event.is_job_event and event.event_specific_data is not None]
    errors = [getattr(event.event_specific_data, "error", None) for event in ends]
    return any(cause.cls_name in _INTERRUPTIONS for error in errors for cause in _causes(error))


def _causes(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    """An error and its causes, down to the first."""
    while error is not None:
        yield error
        error = error.cause


def _is_gone(key: str, listed: Mapping[str, ListedPartition], unlisted: Unlisted) -> bool:
    return key not in listed and not unlisted.covers(Partition.from_key(key).directory)


def _summary(
    entries: Mapping[str, LedgerEntry], totals: Mapping[str, int], untouched: int, deleted: int, seconds: float
) -> Summary:
    return Summary(
        directories=len({Partition.from_key(key).directory for key in entries}),
        files=sum(entry.files for entry in entries.values()),
        indexed=sum(entry.indexed for entry in entries.values()),
        quarantined=sum(entry.quarantined for entry in entries.values()),
        unchanged=untouched + totals.get("points_unchanged", 0),
        embedded=totals.get("images_embedded", 0),
        captioned=totals.get("images_captioned", 0),
        deleted=deleted,
        seconds=round(seconds, 2),
    )
