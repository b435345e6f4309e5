"""The collection in Qdrant, which is what people search."""

import time
from datetime import UTC, datetime

import dagster as dg

from image_pipeline.collection.versions import complete_version
from image_pipeline.files.deletions import DeletionLimit, Shrinkage
from image_pipeline.orchestration.assets.reports import (
    UnchangedReport,
    indexed_metadata,
    library_metadata,
    log_indexed,
    pictures_shown,
)
from image_pipeline.orchestration.assets.stage_asset import OWNERS
from image_pipeline.orchestration.assets.step import partitions, step, with_remaining_work
from image_pipeline.orchestration.partitions import ALLOW_DELETIONS_TAG, BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.resources import InferenceResource, QdrantResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.stages.decoded_tensors import release_decoded
from image_pipeline.stages.qdrant_collection import READS, Indexer, open_collection
from image_pipeline.stages.retire import delete_leftovers
from image_pipeline.storage.ledger import LedgerEntry


@dg.asset(
    group_name="search",
    kinds={"qdrant"},
    owners=OWNERS,
    deps=[stage.value for stage in READS],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
)
def qdrant_collection(
    context: dg.AssetExecutionContext, store: StoreResource, inference: InferenceResource, qdrant: QdrantResource
) -> None:
    """One point in Qdrant per readable file: new ones are added, changed ones replaced, those of missing files deleted.

    Each embedding model has its own version of the collection. Searches use an alias, which points to the newest
    complete version.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with (
        step(context, store),
        open_collection(
            qdrant.address, inference.pipeline.collection_version(qdrant.alias), store.tables, store.ledger
        ) as collection,
    ):
        tables, ledger = store.tables, store.ledger
        provenance = inference.provenance(context.run.run_id, at)
        limit = DeletionLimit(store.deletion_share, context.run.tags.get(ALLOW_DELETIONS_TAG) == "true")
        shrinkage = Shrinkage(limit, collection.count())
        indexer = Indexer(collection, tables, ledger, provenance, inference.recipe, shrinkage)
        chosen = partitions(context)
        unchanged_report, shown = UnchangedReport(store, len(chosen)), pictures_shown(len(chosen))
        with indexer.locked(chosen) as index:
            for partition in with_remaining_work(tables, chosen):
                began = time.monotonic()
                indexed = index(partition)
                if isinstance(indexed, LedgerEntry):
                    context.add_asset_metadata(unchanged_report.of_points(indexed), partition_key=partition.key)
                    continue
                log_indexed(context.log, partition.key, indexed)
                if not store.keep_decoded_tensors:
                    release_decoded(tables, partition.key)
                context.add_asset_metadata(
                    {
                        **indexed_metadata(store.store, indexed, shown),
                        "collection": collection.version.name,
                        "seconds": round(time.monotonic() - began, 3),
                    },
                    partition_key=partition.key,
                )
            entries = ledger.entries()
            for name in complete_version(collection, entries):
                context.log.info(f"{collection.version.name} is complete and is searched now; {name} was deleted.")
        context.add_asset_metadata(library_metadata(entries))
        delete_leftovers(store.store, ledger, store.cache, at)
