"""The images as the models want to be shown them."""

import time
from collections import Counter

import dagster as dg

from image_pipeline.orchestration.assets.content_hashes import content_hashes
from image_pipeline.orchestration.assets.preflight import Preflight
from image_pipeline.orchestration.assets.step import LISTED_ROWS, partitions, records, step, table_metadata, to_be_made
from image_pipeline.orchestration.assets.unchanged_report import Remembered
from image_pipeline.orchestration.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, QdrantResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import ContentHash, DecodedContent
from image_pipeline.stages.decoded_tensors import decode_images
from image_pipeline.stages.sources import sources_of
from image_pipeline.storage.tensors import release_tensors


@dg.asset(
    group_name="images",
    kinds={"python", "numpy"},
    owners=["team:photographs"],
    deps=[content_hashes],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
    metadata=table_metadata(DecodedContent),
)
def decoded_tensors(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    decoding: DecodingResource,
    inference: InferenceResource,
    qdrant: QdrantResource,
) -> None:
    """Model-ready images, uint8 `[n, 3, height, width]`, one file for each input that the models want; and thumbnails.

    Decoded in worker processes with a limit of time, memory and pixels for each file. A file that is no readable image
    is a row with its reason. Only what a model has not seen yet is decoded; the tensors are deleted once the
    directory is indexed.
    """
    with step(context, store):
        root, tables = store.library_root, store.tables
        cache, failures = decoding.decode_cache(store.cache), decoding.decode_failures(store.ledger)
        models = inference.pipeline
        preflight = Preflight(store, inference, qdrant)
        remembered = Remembered(store, len(partitions(context)))
        recipe = inference.recipe(decoding)
        for partition in to_be_made(context, store, recipe, DecodedContent, remembered.of_tensors):
            began = time.monotonic()
            sources = sources_of(root, tables.read(ContentHash, partition.key))
            wanted = models.unseen(store.cache, list(sources))
            preflight.qdrant()
            preflight.models(wanted, failures)
            *earlier, maker = (f"{context.run.run_id}-{number}" for number in range(context.retry_number + 1))
            for attempt in earlier:  # they got as far as another directory, which failed
                release_tensors(store.store.tensor_directory(partition.key, attempt))
            directory = store.store.tensor_directory(partition.key, maker)
            images = decode_images(
                decoding.pool,
                cache,
                failures,
                store.store,
                directory,
                sources,
                wanted,
                models.input_specs,
                decoding.decoder,
            )
            path = tables.write(DecodedContent, partition.key, images.rows, note=maker)
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
