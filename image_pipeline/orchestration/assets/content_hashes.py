"""The SHA-256 of each file, which identifies its content."""

import time

import dagster as dg

from image_pipeline.orchestration.assets.stage_asset import stage_asset
from image_pipeline.orchestration.assets.step import data_version, partitions, step, to_be_made
from image_pipeline.orchestration.resources import DecodingResource, StoreResource
from image_pipeline.schema.rows import ContentHash
from image_pipeline.stages.content_hashes import STAGE, digest, hash_partition


@stage_asset(STAGE, group_name="files", kinds={"file", "parquet"})
def content_hashes(
    context: dg.AssetExecutionContext, store: StoreResource, decoding: DecodingResource
) -> dg.MaterializeResult:
    """The SHA-256 of each file of a directory, read in parallel.

    A file whose size and modification time are unchanged is not read again. A file that cannot be read gets a row with
    the system's message, and goes into quarantine.
    """
    with step(context, store):
        root, tables = store.library_root, store.tables
        for partition in to_be_made(context, store, ContentHash):
            began = time.monotonic()
            hashes = hash_partition(root, tables, partition, decoding.processes)
            path = tables.write(ContentHash, partition.key, hashes.rows, note=digest(hashes.rows))
            seconds = time.monotonic() - began
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(hashes.rows),
                    "files_read": hashes.hashed,
                    "files_unchanged": len(hashes.rows) - hashes.hashed,
                    "files_unreadable": sum(row.sha256 is None for row in hashes.rows),
                    "distinct_contents": len({row.sha256 for row in hashes.rows}),
                    "megabytes_per_second": round(hashes.hashed_bytes / 1e6 / seconds, 1),
                    "seconds": round(seconds, 3),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=partition.key,
            )
        notes = [tables.note(ContentHash, partition.key) or "" for partition in partitions(context)]
    return dg.MaterializeResult(data_version=data_version(notes))
