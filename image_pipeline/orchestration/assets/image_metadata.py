"""The metadata of each photograph: date, place, camera, exposure."""

import time

import dagster as dg

from image_pipeline.orchestration.assets.stage_asset import stage_asset
from image_pipeline.orchestration.assets.step import step, to_be_made
from image_pipeline.orchestration.resources import DecodingResource, StoreResource
from image_pipeline.schema.rows import ContentHash, MetadataOfImage
from image_pipeline.stages.content_hashes import sources_of
from image_pipeline.stages.image_metadata import STAGE


@stage_asset(STAGE, group_name="images", kinds={"python", "parquet"})
def image_metadata(context: dg.AssetExecutionContext, store: StoreResource, decoding: DecodingResource) -> None:
    """EXIF, GPS, XMP and IPTC of each content, read in worker processes.

    Values that cannot be true (a latitude of 900, the year 0) are dropped. A content that was read before, in any
    directory, is not read again. One that could not be read, for example because it took too long, is retried later.
    """
    with step(context, store):
        root, tables, reader = store.library_root, store.tables, decoding.metadata_reader
        for partition in to_be_made(context, store, MetadataOfImage):
            began = time.monotonic()
            metadata = reader.read(sources_of(root, tables.read(ContentHash, partition.key)))
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
