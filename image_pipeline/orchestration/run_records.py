"""Runs of partitions in Dagster's records: those in progress, failed, or already requested."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    RUN_KEY_TAG,
    WILL_RETRY_TAG,
)

from image_pipeline.orchestration.partitions import registered_keys

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_FAILED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_MOST_RUNS = 1000


class RunRecords:
    """The runs of an instance, read on demand."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance

    @cached_property
    def registered(self) -> list[str]:
        """The partition keys, in the order of registration."""
        return registered_keys(self._instance)

    @cached_property
    def in_flight(self) -> set[str]:
        """The partitions of the runs that are queued or in progress."""
        runs = self._instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
        return {key for run in runs for key in self._keys(run)}

    def failed_since(self, moments: Mapping[str, float]) -> set[str]:
        """The partitions with a failed or canceled run created at or after the moment given for them (s since 1970).

        A run that Dagster will retry does not count as failed yet.
        """
        if not moments:
            return set()
        earliest = datetime.fromtimestamp(min(moments.values()), UTC)
        filters = dg.RunsFilter(statuses=_FAILED, created_after=earliest)
        failed = set()
        for record in self._instance.get_run_records(filters=filters, limit=_MOST_RUNS):
            begun = record.create_timestamp.timestamp()
            if record.dagster_run.tags.get(WILL_RETRY_TAG) != "true":
                failed |= {key for key in self._keys(record.dagster_run) if begun >= moments.get(key, begun + 1)}
        return failed

    def begun(self, run_keys: Sequence[str]) -> set[str]:
        """Those of `run_keys` that already have a run: Dagster starts no second one."""
        if not run_keys:
            return set()
        runs = self._instance.get_runs(filters=dg.RunsFilter(tags={RUN_KEY_TAG: list(run_keys)}))
        return {run.tags[RUN_KEY_TAG] for run in runs}

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {key: index for index, key in enumerate(self.registered)}

    def _keys(self, run: dg.DagsterRun) -> Collection[str]:
        start = run.tags.get(ASSET_PARTITION_RANGE_START_TAG, run.tags.get(PARTITION_NAME_TAG))
        end = run.tags.get(ASSET_PARTITION_RANGE_END_TAG, start)
        if start in self._positions and end in self._positions:
            return self.registered[self._positions[start] : self._positions[end] + 1]
        return ()
