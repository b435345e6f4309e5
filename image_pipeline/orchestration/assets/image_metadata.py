"""What each file tells of its photograph: date, place, camera, exposure."""

import time

import dagster as dg

from image_pipeline.orchestration.assets.content_hashes import content_hashes
from image_pipeline.orchestration.assets.step import step, table_metadata, to_be_made
from image_pipeline.orchestration.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import ContentHash, MetadataOfImage
from image_pipeline.stages.image_metadata import read_metadata
from image_pipeline.stages.sources import sources_of


@dg.asset(
    group_name="images",
    kinds={"python", "parquet"},
    owners=["team:photographs"],
    deps=[content_hashes],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
    metadata=table_metadata(MetadataOfImage),
)
def image_metadata(
    context: dg.AssetExecutionContext, store: StoreResource, decoding: DecodingResource, inference: InferenceResource
) -> None:
    """EXIF, GPS, XMP and IPTC of each content, read in worker processes.

    Values that cannot be true (a latitude of 900, the year 0) are dropped. A content that was read before, in
    whatever directory, is not read again; one that could not be read, as it took too long, is tried again later.
    """
    with step(context, store):
        root, tables = store.library_root, store.tables
        cache, failures = decoding.metadata_cache(store.cache), decoding.metadata_failures(store.ledger)
        for partition in to_be_made(context, store, inference.recipe(decoding), MetadataOfImage):
            began = time.monotonic()
            sources = sources_of(root, tables.read(ContentHash, partition.key))
            metadata = read_metadata(decoding.pool, cache, failures, sources)
            path = tables.write(MetadataOfImage, partition.key, metadata.rows)
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(metadata.rows),
                    "contents_read": metadata.read,
                    "with_date": sum(row.taken_at is not None for row in metadata.rows),
                    "with_place": sum(row.latitude is not None for row in metadata.rows),
                    "could_not_be_read": sum(row.reason is not None for row in metadata.rows),
                    "with_camera": sum(row.camera_model is not None for row in metadata.rows),
                    "seconds": round(time.monotonic() - began, 3),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=partition.key,
            )
