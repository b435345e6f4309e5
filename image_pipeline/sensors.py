"""The sensor: directories that came, changed or went are brought to the collection by themselves."""

import hashlib
import math
import time
from collections.abc import Mapping

import dagster as dg

from image_pipeline.errors import PipelineError
from image_pipeline.files.deletions import DeletionLimit, vanished_files
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import PartitionState, State, group_into_ranges, without_unlisted
from image_pipeline.files.watch import Look, look, settled_states
from image_pipeline.instance import fail_dead_runs
from image_pipeline.jobs import ingest_job, retire_job
from image_pipeline.partitions import DIRECTORIES, PARTITIONS_PER_RUN, range_tags, registered_keys
from image_pipeline.resources import DecodingResource, InferenceResource, QdrantResource, StoreResource
from image_pipeline.storage.collection import held_versions

TICK_SECONDS = 30
SWEEP_SECONDS = 600.0
BUDGET_SECONDS = 25.0
"""A tick is ended by Dagster after 60 s."""

KEYS_PER_TICK = 500
"""Dagster's check of new keys is quadratic: 4,000 in one tick take 0.4 s, 20,000 take 21 s."""

RETRY_SECONDS, LONGEST_RETRY_SECONDS = 900, 6 * 3600
"""A directory that looks the same is tried again after this time, and each time after twice as long: its run failed, or
it has a file that cannot be read. Each run leaves some 300 KB of Dagster's records."""


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
    """Watches the library, and ingests a directory once it has been quiet for `settle_seconds`.

    What was ingested with other models, or by another version, is ingested again.
    """
    now = time.time()
    try:
        fail_dead_runs(context.instance, store.store)
        ledger = store.ledger
        recipe = inference.recipe(decoding)
        versions = held_versions(qdrant.address, qdrant.alias)
        to_try = ledger.set_outdated_to_try(decoding.limits)
        ingested = ledger.ingested(recipe, versions)
        looked = look(
            store.library_root, ledger.sightings(), ingested, store.partition_size, now, SWEEP_SECONDS, BUDGET_SECONDS
        )
        ledger.set_sightings(looked.sightings.values())
        states = settled_states(looked, ingested, now, store.settle_seconds)
        vanished = vanished_files(looked.listed, without_unlisted(ingested, looked.unlisted)) if looked.is_whole else 0
        DeletionLimit(store.deletion_share).check(vanished, sum(entry.files for entry in ingested.values()))
    except PipelineError as error:
        return dg.SkipReason(str(error))
    busy = _keys_in_flight(context.instance)
    states = _with_few_new([state for state in states if state.key not in busy], registered_keys(context.instance))
    if looked.unlisted:
        context.log.warning(str(looked.unlisted.error))
        if not states:
            return dg.SkipReason(str(looked.unlisted.error))
    if not states:
        return dg.SkipReason("Every directory that is quiet is ingested, or is being ingested.")
    wishes = _Wishes(looked, "\n".join([recipe, *sorted(versions or ())]), to_try, now)
    return _requests(context.instance, states, wishes, store.partition_size)


def attempt(seconds: float) -> int:
    """The number of the try that is due for what has looked the same for so long: see `RETRY_SECONDS`."""
    doublings = int(math.log2(LONGEST_RETRY_SECONDS / RETRY_SECONDS))
    longest_from = RETRY_SECONDS * (2**doublings - 1)
    if seconds < longest_from:
        return int(math.log2(max(0.0, seconds) / RETRY_SECONDS + 1))
    return doublings + int((seconds - longest_from) // LONGEST_RETRY_SECONDS)


class _Wishes:
    """Names runs, so that Dagster begins one once for what the directories look like, what is wanted, and each try."""

    def __init__(self, looked: Look, target: str, to_try: Mapping[str, str], now: float) -> None:
        self._looked, self._target, self._to_try, self._now = looked, target, to_try, now
        self._fingerprints = {key: part.fingerprint for key, part in looked.listed.items()}

    def run_key(self, keys: list[str]) -> str:
        """The run key of the run for partitions."""
        since = max(self._looked.sightings[Partition.from_key(key).directory].since for key in keys)
        # what comes back to a look that it had before is another wish: Dagster keeps a run key for ever
        # nor has a directory changed of which a file is to be tried again: then, the run counts that tried it last
        looks = (f"{key}\0{self._fingerprints.get(key)}\0{self._to_try.get(key, '')}" for key in keys)
        told = "\n".join([self._target, f"{since}", *looks])
        return f"{hashlib.sha256(told.encode()).hexdigest()[:16]}-{attempt(self._now - since)}"


def _with_few_new(states: list[PartitionState], registered: list[str]) -> list[PartitionState]:
    """`states` without the keys that are too many to be registered in one tick.

    Those that are registered are not counted: where their runs fail, tick after tick, they hold up no others.
    """
    known = set(registered)
    new = [state.key for state in states if state.key not in known and state.state is not State.GONE]
    later = set(new[KEYS_PER_TICK:])
    return [state for state in states if state.key not in later]


def _requests(
    instance: dg.DagsterInstance,
    states: list[PartitionState],
    wishes: _Wishes,
    partition_size: int,
) -> dg.SensorResult:
    registered = registered_keys(instance)
    wanted = {state.key: state.files for state in states if state.state is not State.GONE}
    known = set(registered)
    new = [key for key in wanted if key not in known]
    gone = [state.key for state in states if state.state is State.GONE]

    requests = [
        dg.RunRequest(run_key=wishes.run_key(list(some.keys)), job_name=ingest_job.name, tags=range_tags(some))
        for some in group_into_ranges(registered + new, wanted, partition_size, PARTITIONS_PER_RUN)
    ]
    if gone:
        config = dg.RunConfig(ops={"retire_partitions": {"config": {"keys": gone}}})
        requests.append(dg.RunRequest(run_key=wishes.run_key(gone), job_name=retire_job.name, run_config=config))
    return dg.SensorResult(
        run_requests=requests, dynamic_partitions_requests=[DIRECTORIES.build_add_request(new)] if new else []
    )


def _keys_in_flight(instance: dg.DagsterInstance) -> set[str]:
    """The partitions of the runs that are queued or under way."""
    registered = registered_keys(instance)
    position = {key: index for index, key in enumerate(registered)}
    unfinished = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
    unfinished += [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    keys: set[str] = set()
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=unfinished)):
        start = run.tags.get("dagster/asset_partition_range_start", run.tags.get("dagster/partition"))
        end = run.tags.get("dagster/asset_partition_range_end", start)
        if start in position and end in position:
            keys.update(registered[position[start] : position[end] + 1])
    return keys
