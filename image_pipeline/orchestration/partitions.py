"""The partitions of the assets: one for each directory of the library, or for each part of a very large one."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import dagster as dg
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.storage.tags import MAX_RETRIES_TAG, RETRY_STRATEGY_TAG

from image_pipeline.files.plan import PartitionRange

# These features are used on purpose; Dagster would print a warning per asset at every start.
warnings.filterwarnings("ignore", r"Parameter `(backfill_policy|owners)` of .* is currently in beta", dg.BetaWarning)
warnings.filterwarnings("ignore", r"Handling yaml-defined logging configuration", dg.BetaWarning)

_range_of_run: ContextVar[tuple[dg.PartitionKeyRange, Sequence[str]] | None] = ContextVar("range", default=None)


class DirectoryPartitions(dg.DynamicPartitionsDefinition):
    """The registered directories of the library. A run keeps the keys that its range had when it began.

    There are two reasons. Dagster reads all registered keys to check each piece of metadata that a step adds to a
    partition; with a thousand directories, that takes longer than the step. And while a run waits for a directory, a
    different run may unregister its key, or unregister it and register it again, which moves it to the end: the range
    would then contain other keys. See `within_range` and `keep_range`.
    """

    def get_partition_keys_in_range(self, partition_key_range: dg.PartitionKeyRange) -> Sequence[str]:
        """The keys from the first to the last of a range, in the order of registration.

        Raises DagsterInvalidInvocationError, with a message for people, if the first or the last is not registered.
        """
        known = _range_of_run.get()
        if known is not None and known[0] == partition_key_range:
            return known[1]
        for key in (partition_key_range.start, partition_key_range.end):
            if not self.has_partition_key(key):
                raise dg.DagsterInvalidInvocationError(
                    f"{key!r} is not a registered directory: run `image-pipeline scan`, which registers the "
                    "directories of the library and prints their keys."
                )
        return super().get_partition_keys_in_range(partition_key_range)


@contextmanager
def within_range(keys: Sequence[str]) -> Iterator[None]:
    """While the block runs, resolve the range from the first to the last of `keys` to exactly `keys`."""
    token = _range_of_run.set((dg.PartitionKeyRange(keys[0], keys[-1]), keys))
    try:
        yield
    finally:
        _range_of_run.reset(token)


@contextmanager
def own_range() -> Iterator[None]:
    """Limit the effect of `keep_range` to the block, which is a run."""
    token = _range_of_run.set(_range_of_run.get())
    try:
        yield
    finally:
        _range_of_run.reset(token)


def keep_range(keys: Sequence[str]) -> None:
    """From now until the run ends, resolve its range from the first to the last of `keys` to exactly `keys`."""
    _range_of_run.set((dg.PartitionKeyRange(keys[0], keys[-1]), keys))


DIRECTORIES = DirectoryPartitions(name="directory")

PARTITIONS_PER_RUN = 100
"""Maximum number of partitions per run. An empty run takes over a second, so small directories share one."""

ALLOW_DELETIONS_TAG = "image_pipeline/allow_deletions"
"""If `true`, the run may delete a larger share of the collection than `IMAGE_PIPELINE_DELETION_SHARE`."""

DIRECTORIES_TAG = "image_pipeline/directories"
"""A tag for the list of runs: the directory of a run, or its first and last directory and their number."""

_NAME_LENGTH = 60

BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=PARTITIONS_PER_RUN)


def registered_keys(instance: dg.DagsterInstance) -> list[str]:
    """The registered keys, in the order of registration."""
    return list(instance.get_dynamic_partitions(str(DIRECTORIES.name)))


def register(instance: dg.DagsterInstance, keys: list[str]) -> None:
    """Register keys with Dagster; those that are already registered keep their position in the order."""
    if keys:
        instance.add_dynamic_partitions(str(DIRECTORIES.name), keys)


def unregister(instance: dg.DagsterInstance, keys: list[str]) -> None:
    """Remove keys from Dagster; the records of their runs stay."""
    for key in keys:
        instance.delete_dynamic_partition(str(DIRECTORIES.name), key)


def range_tags(partition_range: PartitionRange) -> dict[str, str]:
    """The tags of a run for a range of partitions."""
    return {
        "dagster/asset_partition_range_start": partition_range.start,
        "dagster/asset_partition_range_end": partition_range.end,
        **directory_tags(partition_range.keys),
    }


def directory_tags(keys: Sequence[str]) -> dict[str, str]:
    """The tags that name the partitions of a run, and that make an automatic retry execute all steps.

    A retry from the failed step would read tables that a different run may have replaced since, and tensors that were
    deleted when the process of the first run ended. Finished work is in the cache and costs nothing.
    """
    first, last = _shortened(keys[0]), _shortened(keys[-1])
    name = first if len(keys) == 1 else f"{first} … {last} ({len(keys)})"
    return {DIRECTORIES_TAG: name, RETRY_STRATEGY_TAG: ReexecutionStrategy.ALL_STEPS.value}


def correct_tags(instance: dg.DagsterInstance, run: dg.DagsterRun, keys: Sequence[str]) -> None:
    """Set the `directory_tags` of a run, and limit its retries to Dagster's setting: its launcher can set any tag."""
    right = directory_tags(keys) if keys else {}
    most = instance.run_retries_max_retries
    with suppress(ValueError):  # Dagster ignores a number of retries that is not a number
        if int(run.tags.get(MAX_RETRIES_TAG, most)) > most:
            right[MAX_RETRIES_TAG] = str(most)
    if right.items() - run.tags.items():
        instance.add_run_tags(run.run_id, right)


def _shortened(key: str) -> str:
    return key if len(key) <= _NAME_LENGTH else f"…{key[1 - _NAME_LENGTH :]}"
