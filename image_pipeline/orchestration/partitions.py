"""The partitions of the assets: one for each directory of the library, or part of a very large one."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import dagster as dg
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.storage.tags import MAX_RETRIES_TAG, RETRY_STRATEGY_TAG

from image_pipeline.files.plan import PartitionRange

# All are used on purpose, and a line for each asset at every start tells nobody anything.
warnings.filterwarnings("ignore", r"Parameter `(backfill_policy|owners)` of .* is currently in beta", dg.BetaWarning)
warnings.filterwarnings("ignore", r"Handling yaml-defined logging configuration", dg.BetaWarning)

_range_of_run: ContextVar[tuple[dg.PartitionKeyRange, Sequence[str]] | None] = ContextVar("range", default=None)


class DirectoryPartitions(dg.DynamicPartitionsDefinition):
    """The directories of the library that are registered.

    Dagster reads all keys there are to check each piece of metadata that a step adds to a partition: with a thousand
    directories that takes longer than the step. And while a run waits for a directory, another run may take it out, or
    out and in again, which puts its key last: the range would be another one. So a run keeps the keys that its range
    had when it began: see `within_range` and `keep_range`.
    """

    def get_partition_keys_in_range(self, partition_key_range: dg.PartitionKeyRange) -> Sequence[str]:
        """The keys from the first to the last of a range, in the order of registration.

        Raises DagsterInvalidInvocationError, with a sentence for people, if one of the two is not registered.
        """
        known = _range_of_run.get()
        if known is not None and known[0] == partition_key_range:
            return known[1]
        for key in (partition_key_range.start, partition_key_range.end):
            if not self.has_partition_key(key):
                raise dg.DagsterInvalidInvocationError(
                    f"{key!r} is no directory that is registered: `image-pipeline scan` registers those of the library "
                    "and prints their keys."
                )
        return super().get_partition_keys_in_range(partition_key_range)


@contextmanager
def within_range(keys: Sequence[str]) -> Iterator[None]:
    """For the length of the block, the range from the first to the last of `keys`, a run's, is taken to be `keys`."""
    token = _range_of_run.set((dg.PartitionKeyRange(keys[0], keys[-1]), keys))
    try:
        yield
    finally:
        _range_of_run.reset(token)


@contextmanager
def range_of_its_own() -> Iterator[None]:
    """For the length of the block, a run: what `keep_range` was told is forgotten at its end."""
    token = _range_of_run.set(_range_of_run.get())
    try:
        yield
    finally:
        _range_of_run.reset(token)


def keep_range(keys: Sequence[str]) -> None:
    """From now on, until the run ends, its range from the first to the last of `keys` is taken to be `keys`."""
    _range_of_run.set((dg.PartitionKeyRange(keys[0], keys[-1]), keys))


DIRECTORIES = DirectoryPartitions(name="directory")

PARTITIONS_PER_RUN = 100
"""Partitions that one run takes at most: an empty run costs over a second, so that small directories share one."""

ALLOW_DELETIONS_TAG = "image_pipeline/allow_deletions"
"""Set to `true`, a run may delete more of the collection than `IMAGE_PIPELINE_DELETION_SHARE`."""

DIRECTORIES_TAG = "image_pipeline/directories"
"""What a run is about, for the list of runs: its directory, or the first and the last of several, and their number."""

_NAME_LENGTH = 60

BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=PARTITIONS_PER_RUN)


def registered_keys(instance: dg.DagsterInstance) -> list[str]:
    """The keys that Dagster knows, in the order in which they were registered."""
    return list(instance.get_dynamic_partitions(str(DIRECTORIES.name)))


def register(instance: dg.DagsterInstance, keys: list[str]) -> None:
    """Make keys known to Dagster; those that are known stay where they are in the order."""
    if keys:
        instance.add_dynamic_partitions(str(DIRECTORIES.name), keys)


def unregister(instance: dg.DagsterInstance, keys: list[str]) -> None:
    """Let Dagster forget keys; what it has recorded of their runs stays."""
    for key in keys:
        instance.delete_dynamic_partition(str(DIRECTORIES.name), key)


def range_tags(some: PartitionRange) -> dict[str, str]:
    """The tags of a run that takes a range of partitions."""
    return {
        "dagster/asset_partition_range_start": some.start,
        "dagster/asset_partition_range_end": some.end,
        **directory_tags(some.keys),
    }


def directory_tags(keys: Sequence[str]) -> dict[str, str]:
    """The tags that say which partitions a run is about, and that a run begun again by itself does all of its steps.

    Begun again from the step that failed, it would read tables that another run may have replaced since, and tensors
    that went with its process. What was done is in the cache, and costs nothing.
    """
    first, last = _shortened(keys[0]), _shortened(keys[-1])
    name = first if len(keys) == 1 else f"{first} … {last} ({len(keys)})"
    return {DIRECTORIES_TAG: name, RETRY_STRATEGY_TAG: ReexecutionStrategy.ALL_STEPS.value}


def correct_tags(instance: dg.DagsterInstance, run: dg.DagsterRun, keys: Sequence[str]) -> None:
    """Give a run its `directory_tags`, and no more retries than Dagster's settings: who launches it may set any."""
    right = directory_tags(keys) if keys else {}
    most = instance.run_retries_max_retries
    with suppress(ValueError):  # Dagster tries a run again for no such word
        if int(run.tags.get(MAX_RETRIES_TAG, most)) > most:
            right[MAX_RETRIES_TAG] = str(most)
    if right.items() - run.tags.items():
        instance.add_run_tags(run.run_id, right)


def _shortened(key: str) -> str:
    return key if len(key) <= _NAME_LENGTH else f"…{key[1 - _NAME_LENGTH :]}"
