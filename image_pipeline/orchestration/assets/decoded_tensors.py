"""The decoded images, in the input format of the models."""

import time
from collections import Counter

import dagster as dg

from image_pipeline.orchestration.assets.preflight import Preflight
from image_pipeline.orchestration.assets.reports import UnchangedReport
from image_pipeline.orchestration.assets.stage_asset import stage_asset
from image_pipeline.orchestration.assets.step import LISTED_ROWS, partitions, records, step, to_be_made
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, QdrantResource, StoreResource
from image_pipeline.schema.rows import ContentHash, DecodedContent
from image_pipeline.stages.content_hashes import sources_of
from image_pipeline.stages.decoded_tensors import STAGE
from image_pipeline.stages.registry import unseen


@stage_asset(STAGE, group_name="images", kinds={"python", "numpy"})
def decoded_tensors(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    decoding: DecodingResource,
    inference: InferenceResource,
    qdrant: QdrantResource,
) -> None:
    """Model-ready images, uint8 `[n, 3, height, width]`, one file per input specification; and thumbnails.

    Worker processes decode the images, with limits on time, memory and pixels for each file. A file that is not a
    readable image gets a row with the reason. Only images that some model has not processed yet are decoded; the
    tensors are deleted after the directory is indexed.
    """
    with step(context, store):
        root, tables, decoder = store.library_root, store.tables, decoding.decoder
        preflight = Preflight(store, inference, qdrant)
        unchanged_report = UnchangedReport(store, len(partitions(context)))
        for partition in to_be_made(context, store, DecodedContent, unchanged_report.of_tensors):
            began = time.monotonic()
            sources = sources_of(root, tables.read(ContentHash, partition.key))
            wanted = unseen(inference.pipeline, store.cache, list(sources))
            preflight.qdrant()
            preflight.models(wanted, decoder.failures)
            images = decoder.decode(partition.key, sources, wanted, context.run.run_id, context.retry_number)
            path = tables.write(DecodedContent, partition.key, images.rows, note=images.maker)
            seconds = time.monotonic() - began
            bad = [row for row in images.rows if row.reason is not None]
            listed = [(row.sha256[:12], row.reason, row.message) for row in bad[:LISTED_ROWS]]
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(images.rows),
                    "images_decoded": images.decoded,
                    "images_per_second": round(images.decoded / seconds, 1),
                    "decode_paths": dg.MetadataValue.json(
                        dict(Counter(row.decode_path for row in images.rows if row.decode_path).most_common())
                    ),
                    "quarantined": len(bad),
                    "quarantine": records(["sha256", "reason", "message"], listed),
                    "seconds": round(seconds, 3),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=partition.key,
            )
