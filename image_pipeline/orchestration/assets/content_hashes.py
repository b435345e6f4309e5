"""The SHA-256 of each file: its identity as content."""

import hashlib
import time

import dagster as dg

from image_pipeline.files.hashing import hash_files
from image_pipeline.orchestration.assets.discovered_files import discovered_files
from image_pipeline.orchestration.assets.step import partitions, step, table_metadata, to_be_made
from image_pipeline.orchestration.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import ContentHash, DiscoveredFile


@dg.asset(
    group_name="files",
    kinds={"file", "parquet"},
    owners=["team:photographs"],
    deps=[discovered_files],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
    metadata=table_metadata(ContentHash),
)
def content_hashes(
    context: dg.AssetExecutionContext, store: StoreResource, decoding: DecodingResource, inference: InferenceResource
) -> dg.MaterializeResult:
    """The SHA-256 of each file of a directory, read in parallel.

    A file whose size and modification time are unchanged is not read again. A file that cannot be read is a row with
    the system's message, and goes into quarantine.
    """
    versions = hashlib.sha256()
    with step(context, store):
        root, tables = store.library_root, store.tables
        for partition in to_be_made(context, store, inference.recipe(decoding), ContentHash):
            began = time.monotonic()
            files = tables.read(DiscoveredFile, partition.key)
            known = tables.read_if_there(ContentHash, partition.key) or [
                row for older in partition.ancestors for row in tables.read_if_there(ContentHash, older.key) or ()
            ]
            hashes = hash_files(root, files, known, decoding.processes)
            listing = "".join(f"{row.path}\0{row.sha256}\0" for row in hashes.rows)
            digest = hashlib.sha256(listing.encode()).hexdigest()
            path = tables.write(ContentHash, partition.key, hashes.rows, note=digest)
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
        for partition in partitions(context):
            versions.update((tables.note(ContentHash, partition.key) or "").encode())
    return dg.MaterializeResult(data_version=dg.DataVersion(versions.hexdigest()[:16]))
