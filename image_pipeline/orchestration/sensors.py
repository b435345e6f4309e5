"""The sensor: keeps the collection up to date with new, changed and deleted directories automatically."""

import hashlib
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from image_pipeline.files.deletions import (
    DeletionLimit,
    possible_replacements,
    renamed_keys,
    vanished_files,
    waiting_for_replacements,
)
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import Ingested, PartitionState, State, group_into_ranges, without_unlisted
from image_pipeline.files.watch import DueStates, LibrarySnapshot, due_states, take_snapshot
from image_pipeline.orchestration.instance import fail_dead_runs
from image_pipeline.orchestration.jobs import ingest_job, retire_job
from image_pipeline.orchestration.partitions import DIRECTORIES, PARTITIONS_PER_RUN, directory_tags, range_tags
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, QdrantResource, StoreResource
from image_pipeline.orchestration.run_records import RunRecords

TICK_SECONDS = 30
SWEEP_SECONDS = 600.0
BUDGET_SECONDS = 25.0
"""Time limit for reading the library in one tick; Dagster ends a tick after 60 s."""

RENEWAL_SECONDS = 20.0
"""Time limit for moving photographs to a new collection in one tick, once after an upgrade."""

KEYS_PER_TICK = 500
"""Dagster's check of new keys is quadratic: 4,000 in one tick take 0.4 s, 20,000 take 21 s."""

RETRY_SECONDS, LONGEST_RETRY_SECONDS = 900, 6 * 3600
"""An unchanged directory is retried if its run failed or a file could not be read: first after the shorter time, and
then each time after twice as long, up to the longer. Each run adds about 300 KB to Dagster's records."""


@dg.sensor(
    jobs=[ingest_job, retire_job],
    minimum_interval_seconds=TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def library_sensor(
    context: dg.SensorEvaluationContext,
    store: StoreResource,
    decoding: DecodingResource,
    inference: InferenceResource,
    qdrant: QdrantResource,
) -> dg.SensorResult | dg.SkipReason:
    """Watches the library, and ingests a directory once it has not changed for `settle_seconds`.

    Directories that were ingested with other models, or by a different version, are ingested again.
    """
    now = time.time()
    fail_dead_runs(context.instance, store.store)
    ledger = store.ledger
    recipe = inference.recipe
    if not qdrant.renew(RENEWAL_SECONDS):
        return dg.SkipReason("The photographs are being moved to a new collection; the next tick continues.")
    versions = qdrant.address.versions(qdrant.alias)
    to_try = ledger.set_outdated_to_try(decoding.limits)
    ingested = ledger.ingested(recipe, versions)
    snapshot = take_snapshot(
        store.library_root, ledger.snapshots(), ingested, store.partition_size, now, SWEEP_SECONDS, BUDGET_SECONDS
    )
    ledger.set_snapshots(snapshot.snapshots.values())
    due = due_states(snapshot, ingested, now, store.settle_seconds)
    if snapshot.is_whole:
        _check_losses(store, snapshot, ingested)
    if snapshot.unlisted:
        context.log.warning(str(snapshot.unlisted.error))
    runs = RunRecords(context.instance)
    departing = _departing(snapshot, ingested, due, runs, now)
    free = [state for state in due.settled if state.key not in runs.in_flight and state.key not in departing]
    run_keys = _RunKeys(snapshot, "\n".join([recipe, *sorted(versions)]), to_try, now)
    candidates = _requests(runs.registered, _with_few_new(free, runs.registered), run_keys, store.partition_size)
    begun = runs.begun([candidate.run_key for candidate in candidates])
    requests = [candidate.request for candidate in candidates if candidate.run_key not in begun]
    if not requests:
        tried = [key for candidate in candidates for key in candidate.keys]
        in_flight = [state.key for state in due.settled if state.key in runs.in_flight]
        unsettled = [state.key for state in due.unsettled]
        return dg.SkipReason(reason_to_skip(snapshot, unsettled, in_flight, departing - runs.in_flight, tried, now))
    known = set(runs.registered)
    new = [key for one in candidates if one.request in requests for key in one.keys if key not in known]
    return dg.SensorResult(
        run_requests=requests, dynamic_partitions_requests=[DIRECTORIES.build_add_request(new)] if new else []
    )


def _check_losses(store: StoreResource, snapshot: LibrarySnapshot, ingested: Mapping[str, Ingested]) -> None:
    """Raises LibraryError if more files are missing and not retired yet than may disappear at a time."""
    ledger, listed = store.ledger, snapshot.listed
    seen = without_unlisted(ingested, snapshot.unlisted)
    before = ledger.renamed()
    renamed = renamed_keys(listed, seen, before)
    if renamed != before:
        ledger.set_renamed(renamed)
    vanished = vanished_files(listed, seen, renamed)
    DeletionLimit(store.deletion_share).check(vanished, sum(entry.files for entry in ingested.values()))


def _departing(
    snapshot: LibrarySnapshot, ingested: Mapping[str, Ingested], due: DueStates, runs: RunRecords, now: float
) -> set[str]:
    """The missing partitions whose retirement waits until possible replacements are ingested."""
    gone = {state.key: snapshot.since(state.key) for state in due.settled if state.state is State.GONE}
    new = possible_replacements(snapshot.listed, ingested) if gone else set()
    return waiting_for_replacements(gone, new - runs.failed_since({key: snapshot.since(key) for key in new}), now)


def attempt(seconds: float) -> int:
    """The number of the attempt that is due for a directory unchanged for `seconds`, from 0: see `RETRY_SECONDS`."""
    doublings = int(math.log2(LONGEST_RETRY_SECONDS / RETRY_SECONDS))
    longest_from = RETRY_SECONDS * (2**doublings - 1)
    if seconds < longest_from:
        return int(math.log2(max(0.0, seconds) / RETRY_SECONDS + 1))
    return doublings + int((seconds - longest_from) // LONGEST_RETRY_SECONDS)


def next_attempt(seconds: float) -> float:
    """When the attempt after `attempt(seconds)` is due, in s since the directory last changed."""
    number = attempt(seconds) + 1
    doublings = int(math.log2(LONGEST_RETRY_SECONDS / RETRY_SECONDS))
    return (
        RETRY_SECONDS * (1 << min(number, doublings))
        - RETRY_SECONDS
        + max(0, number - doublings) * LONGEST_RETRY_SECONDS
    )


def reason_to_skip(
    snapshot: LibrarySnapshot,
    unsettled: Collection[str],
    in_flight: Collection[str],
    departing: Collection[str],
    tried: Collection[str],
    now: float,
) -> str:
    """The reason why a tick requests no run: what the given partitions are waiting for."""
    said = [str(snapshot.unlisted.error).rstrip(".")] if snapshot.unlisted else []
    if not snapshot.is_whole:
        said.append("not all directories were checked yet: the next tick continues")
    if unsettled:
        said.append(f"{_directories(unsettled, 'has', 'have')} changed too recently")
    if in_flight:
        said.append(f"{_directories(in_flight, 'is', 'are')} being ingested")
    if departing:
        said.append(f"{_directories(departing, 'is gone and waits', 'are gone and wait')} until new files are ingested")
    if tried:
        dues = [snapshot.since(key) + next_attempt(now - snapshot.since(key)) for key in tried]
        at = datetime.fromtimestamp(min(dues)).astimezone().isoformat(sep=" ", timespec="minutes")
        said.append(f"{_directories(tried, 'was', 'were')} tried, and the next attempt is at {at}")
    if not said:
        return f"All {len(snapshot.listed)} partitions of the library are ingested."
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _directories(keys: Collection[str], one: str, several: str) -> str:
    count = len({Partition.from_key(key).directory for key in keys})
    return f"1 directory {one}" if count == 1 else f"{count} directories {several}"


class _RunKeys:
    """Run keys: Dagster starts one run per state of the directories, target (models and versions) and attempt."""

    def __init__(self, snapshot: LibrarySnapshot, target: str, to_try: Mapping[str, str], now: float) -> None:
        self._snapshot, self._target, self._to_try, self._now = snapshot, target, to_try, now
        self._fingerprints = {key: part.fingerprint for key, part in snapshot.listed.items()}

    def key_of(self, keys: Sequence[str]) -> str:
        """The run key of a run for the partitions `keys`."""
        since = max(self._snapshot.snapshots[Partition.from_key(key).directory].since for key in keys)
        # Dagster keeps run keys for ever. A directory that returns to an earlier state gets a new one from `since`, and
        # an unchanged directory with a file to retry gets a new one from the run that last tried the file.
        looks = (f"{key}\0{self._fingerprints.get(key)}\0{self._to_try.get(key, '')}" for key in keys)
        state = "\n".join([self._target, f"{since}", *looks])
        return f"{hashlib.sha256(state.encode()).hexdigest()[:16]}-{attempt(self._now - since)}"


def _with_few_new(states: list[PartitionState], registered: list[str]) -> list[PartitionState]:
    """`states` without the new keys that are too many to be registered in one tick.

    Registered keys are not counted, so that those whose runs fail, tick after tick, do not delay new ones.
    """
    known = set(registered)
    new = [state.key for state in states if state.key not in known and state.state is not State.GONE]
    later = set(new[KEYS_PER_TICK:])
    return [state for state in states if state.key not in later]


@dataclass(frozen=True)
class _Request:
    request: dg.RunRequest
    keys: tuple[str, ...]

    @property
    def run_key(self) -> str:
        return str(self.request.run_key)


def _requests(
    registered: list[str], states: list[PartitionState], run_keys: _RunKeys, partition_size: int
) -> list[_Request]:
    pending = {state.key: state.files for state in states if state.state is not State.GONE}
    known = set(registered)
    new = [key for key in pending if key not in known]
    gone = tuple(state.key for state in states if state.state is State.GONE)
    requests = [
        _Request(
            dg.RunRequest(run_key=run_keys.key_of(chosen.keys), job_name=ingest_job.name, tags=range_tags(chosen)),
            chosen.keys,
        )
        for chosen in group_into_ranges(registered + new, pending, partition_size, PARTITIONS_PER_RUN)
    ]
    if gone:
        config = dg.RunConfig(ops={"retire_partitions": {"config": {"keys": list(gone)}}})
        request = dg.RunRequest(
            run_key=run_keys.key_of(gone), job_name=retire_job.name, run_config=config, tags=directory_tags(gone)
        )
        requests.append(_Request(request, gone))
    return requests
