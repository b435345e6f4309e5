"""The embedding of each image."""

import time

import dagster as dg

from image_pipeline.assets.decoded_tensors import decoded_tensors
from image_pipeline.assets.step import SERVICE_RETRY, partitions, step, table_metadata, told
from image_pipeline.inference.embedding import embed_images
from image_pipeline.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.resources import InferenceResource, StoreResource
from image_pipeline.storage.rows import DecodedImage, Embedding


@dg.asset(
    group_name="models",
    kinds={"torch", "parquet"},
    owners=["team:photographs"],
    deps=[decoded_tensors],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    pool="gpu",
    retry_policy=SERVICE_RETRY,
    metadata=table_metadata(Embedding),
)
def embeddings(context: dg.AssetExecutionContext, store: StoreResource, inference: InferenceResource) -> None:
    """The embedding of each image, of unit length, by an open_clip model (CLIP, SigLIP).

    A content that the model has seen before, in whatever directory, is not shown to it again.
    """
    with step(context), inference.turn():
        tables, models = store.tables, inference.pipeline
        cache = models.embeddings_in(store.cache)
        for partition in partitions(context):
            began = time.monotonic()
            decoded, maker = tables.read_noted(DecodedImage, partition.key)
            directory = store.store.tensor_directory(partition.key, maker)
            embedded = embed_images(models.embedder, cache, directory, decoded)
            path = tables.write(Embedding, partition.key, embedded.rows)
            seconds = time.monotonic() - began
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(embedded.rows),
                    "images_embedded": embedded.computed,
                    "images_per_second": round(embedded.computed / seconds, 1),
                    "producer": str(models.embedding_producer),
                    "device": told(models.embedder.throughput),
                    "seconds": round(seconds, 3),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=partition.key,
            )
