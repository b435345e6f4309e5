"""The jobs: `ingest` brings directories up to date, `retire` removes those that no longer exist."""

from datetime import UTC, datetime

import dagster as dg

from image_pipeline.collection.ownership import own_collection
from image_pipeline.files.partition import Partition
from image_pipeline.orchestration.assets.step import LISTED_ROWS, records, step
from image_pipeline.orchestration.checks import whole_collection
from image_pipeline.orchestration.partitions import registered_keys, unregister
from image_pipeline.orchestration.resources import QdrantResource, StoreResource
from image_pipeline.stages.retire import delete_leftovers, is_gone, retire

ingest_job = dg.define_asset_job(
    "ingest",
    # without the check that reads the whole library
    selection=dg.AssetSelection.all() - dg.AssetSelection.checks(whole_collection),
    description="Brings directories up to date: every readable file becomes a point, and every other file goes into "
    "quarantine.",
)


# Plain strings: a string in a `dg.Config` may also be given as the name of an environment variable, and the run's
# records would then show the value of that variable.
@dg.op(out=dg.Out(int), config_schema={"keys": [str]})
def retire_partitions(context: dg.OpExecutionContext, store: StoreResource, qdrant: QdrantResource) -> int:
    """Deletes the points, tables and keys of partitions that are really gone; returns the number of points deleted."""
    with step(context, store, lambda: _known(context, store)) as keys:
        root, ledger = store.library_root, store.ledger
        entries = ledger.entries()
        gone = [key for key in keys if is_gone(root, Partition.from_key(key), entries)]
        for key in sorted(set(keys) - set(gone)):
            context.log.warning(f"{key} is on disk again, and is not removed.")
        with qdrant.address.connect(qdrant.alias) as connection:
            own_collection(connection, ledger.libraries())
            deleted = retire(connection, store.tables, ledger, gone, context.run_id)
        unregister(context.instance, gone)
        delete_leftovers(store.store, ledger, store.cache, datetime.now(UTC).isoformat(timespec="seconds"))
    context.add_output_metadata({"directories": records(["partition"], [[key] for key in gone[:LISTED_ROWS]])})
    context.log.info(f"Removed partitions: {len(gone)}; deleted points: {deleted}.")
    return deleted


def _known(context: dg.OpExecutionContext, store: StoreResource) -> list[str]:
    """The keys in the run config that belong to partitions; the run config may contain anything."""
    named: list[str] = list(dict.fromkeys(context.op_config["keys"]))
    existing = {*store.ledger.entries(), *registered_keys(context.instance)}
    known = [key for key in named if key in existing and Partition.is_key(key)]
    if len(known) < len(named):
        # not shown: one of them may be a secret that was put there by mistake
        context.log.warning(f"Ignored keys that belong to no partition: {len(named) - len(known)}.")
    return known


@dg.job(name="retire", description="Removes directories that no longer exist from the collection.")
def retire_job() -> None:
    """Removes directories that no longer exist from the collection."""
    retire_partitions()
