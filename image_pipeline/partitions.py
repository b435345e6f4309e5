"""The partitions of the assets: one for each directory of the library, or part of a very large one."""

import warnings

import dagster as dg

from image_pipeline.files.plan import PartitionRange

# All are used on purpose, and a line for each asset at every start tells nobody anything.
warnings.filterwarnings("ignore", r"Parameter `(backfill_policy|owners)` of .* is currently in beta", dg.BetaWarning)
warnings.filterwarnings("ignore", r"Handling yaml-defined logging configuration", dg.BetaWarning)

DIRECTORIES = dg.DynamicPartitionsDefinition(name="directory")

PARTITIONS_PER_RUN = 100
"""Partitions that one run takes at most: an empty run costs over a second, so that small directories share one."""

ALLOW_DELETIONS_TAG = "image_pipeline/allow_deletions"
"""Set to `true`, a run may delete more of the collection than `IMAGE_PIPELINE_DELETION_SHARE`."""

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
    return {"dagster/asset_partition_range_start": some.start, "dagster/asset_partition_range_end": some.end}
