"""The collection that is searched."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from image_pipeline.collection.ownership import own_collection
from image_pipeline.collection.versions import complete_version
from image_pipeline.files.deletions import DeletionLimit, Shrinkage
from image_pipeline.orchestration.assets.captions import captions
from image_pipeline.orchestration.assets.contact_sheet import contact_sheet
from image_pipeline.orchestration.assets.content_hashes import content_hashes
from image_pipeline.orchestration.assets.embeddings import embeddings
from image_pipeline.orchestration.assets.image_metadata import image_metadata
from image_pipeline.orchestration.assets.remaining_work import outlook
from image_pipeline.orchestration.assets.step import LISTED_ROWS, partitions, records, step
from image_pipeline.orchestration.assets.unchanged_report import Remembered
from image_pipeline.orchestration.partitions import ALLOW_DELETIONS_TAG, BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, QdrantResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.stages.indexing import IndexedPartition, Indexer
from image_pipeline.stages.partition_points import Provenance
from image_pipeline.storage.history import Event
from image_pipeline.storage.ledger import LedgerEntry
from image_pipeline.storage.leftovers import delete_leftovers
from image_pipeline.storage.locks import index_lock
from image_pipeline.storage.tensors import release_tensors
from image_pipeline.terminal import escaped

MOST_PICTURES, LEAST_PICTURES, PICTURES_OF_A_RUN = 12, 4, 400
"""On contact sheets: of a directory, and of all directories of a run, since nobody looks at each of a hundred."""


@dg.asset(
    group_name="search",
    kinds={"qdrant"},
    owners=["team:photographs"],
    deps=[content_hashes, image_metadata, embeddings, captions],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
)
def qdrant_collection(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    decoding: DecodingResource,
    inference: InferenceResource,
    qdrant: QdrantResource,
) -> None:
    """A point in Qdrant for each readable file: new ones are written, changed ones replaced, vanished ones deleted.

    A version of the collection is made for each embedding model, and the alias that is searched leads to the newest
    complete one.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with step(context, store), qdrant.address.connect(qdrant.alias) as connection:
        models = inference.pipeline
        collection = connection.collection(models.collection_version(qdrant.alias))
        with index_lock(store.store):  # two versions that are both the first would each take the alias
            own_collection(connection, store.ledger.libraries())
            if not collection.exists:  # it was lost: what was in it counts as ingested no more, once made anew, too
                name = collection.version.name
                store.ledger.set_outdated([key for key, e in store.ledger.entries().items() if e.collection == name])
            collection.ensure()
            own_collection(connection, store.ledger.libraries())
        provenance = Provenance(*models.producer_texts, run_id=context.run.run_id, at=at)
        limit = DeletionLimit(store.deletion_share, context.run.tags.get(ALLOW_DELETIONS_TAG) == "true")
        shrinkage = Shrinkage(limit, collection.count())
        indexer = Indexer(collection, store.tables, store.ledger, provenance, inference.recipe(decoding), shrinkage)
        chosen = partitions(context)
        remembered = Remembered(store, len(chosen))
        shown = min(MOST_PICTURES, max(LEAST_PICTURES, PICTURES_OF_A_RUN // max(1, len(chosen))))
        with indexer.locked(chosen) as index:
            for partition in outlook(store.tables, chosen):
                began = time.monotonic()
                indexed = index(partition)
                if isinstance(indexed, LedgerEntry):
                    context.add_asset_metadata(remembered.of_points(indexed), partition_key=partition.key)
                    continue
                _log(context.log, partition.key, indexed)
                if not store.keep_decoded_tensors:
                    release_tensors(store.decoded_partition(partition.key).directory)
                pictures = [
                    (store.store.thumbnail_file(point.payload["sha256"]), point.payload.get("caption", ""))
                    for point in indexed.points[:shown]
                ]
                quarantine = [(file.path, file.reason, file.message) for file in indexed.quarantine[:LISTED_ROWS]]
                context.add_asset_metadata(
                    {
                        "dagster/row_count": len(indexed.points),
                        "points_upserted": indexed.upserted,
                        "points_deleted": indexed.deleted,
                        "points_unchanged": indexed.unchanged,
                        "contact_sheet": dg.MetadataValue.md(contact_sheet(pictures)),
                        "quarantined": len(indexed.quarantine),
                        "quarantine": records(["path", "reason", "message"], quarantine),
                        "collection": collection.version.name,
                        "seconds": round(time.monotonic() - began, 3),
                    },
                    partition_key=partition.key,
                )
            entries = store.ledger.entries()
            for name in complete_version(collection, entries):
                context.log.info(f"{collection.version.name} is complete and is searched now; {name} was deleted.")
        context.add_asset_metadata(_totals(entries))
        delete_leftovers(store.store, store.ledger, store.cache, at)


def _totals(entries: Mapping[str, LedgerEntry]) -> dict[str, int]:
    """The library as a whole, as it is now."""
    return {
        "library_files": sum(entry.files for entry in entries.values()),
        "library_points": sum(entry.indexed for entry in entries.values()),
        "library_quarantined": sum(entry.quarantined for entry in entries.values()),
    }


def _log(log: dg.DagsterLogManager, key: str, indexed: IndexedPartition) -> None:
    """A warning for each file that went into quarantine since the last run, and a line for the partition."""
    for event in indexed.events:
        if event.event is Event.QUARANTINED:
            what = {"partition": key, "path": event.path, "sha256": event.sha256, "reason": event.reason}
            log.warning(escaped(f"{event.path} is in quarantine: {event.reason} ({event.message})"), extra=what)
    counts = {
        "files": len(indexed.points) + len(indexed.quarantine),
        "indexed": len(indexed.points),
        "quarantined": len(indexed.quarantine),
        "upserted": indexed.upserted,
        "deleted": indexed.deleted,
        "unchanged": indexed.unchanged,
    }
    changes = ", ".join(f"{count} {name}" for name, count in counts.items())
    log.info(f"{key} is up to date: {changes}.", extra={"partition": key, **counts})
