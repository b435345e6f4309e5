"""The embedding of each image."""

import dagster as dg

from image_pipeline.orchestration.assets.decoded_tensors import decoded_tensors
from image_pipeline.orchestration.assets.step import step, table_metadata, throughput_metadata, to_be_made
from image_pipeline.orchestration.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import Embedding
from image_pipeline.stages.embeddings import embed_images
from image_pipeline.stages.unseen import shares


@dg.asset(
    group_name="models",
    kinds={"torch", "parquet"},
    owners=["team:photographs"],
    deps=[decoded_tensors],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
    pool="gpu",
    metadata=table_metadata(Embedding),
)
def embeddings(
    context: dg.AssetExecutionContext, store: StoreResource, decoding: DecodingResource, inference: InferenceResource
) -> None:
    """The embedding of each image, of unit length, by an open_clip model (CLIP, SigLIP).

    A content that the model has seen before, in whatever directory, is not shown to it again.
    """
    with step(context, store), inference.device_lock():
        tables, models = store.tables, inference.pipeline
        chosen = to_be_made(context, store, inference.recipe(decoding), Embedding)
        decoded = {partition.key: store.decoded_partition(partition.key) for partition in chosen}
        embedded = embed_images(models.embedder, models.embeddings_in(store.cache), list(decoded.values()))
        for key, partition, computed in shares(decoded, embedded.computed):
            rows = [embedded.rows[sha256] for sha256 in partition.readable]
            path = tables.write(Embedding, key, rows)
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(rows),
                    "images_embedded": computed,
                    "producer": str(models.embedding_producer),
                    **throughput_metadata(models.embedder.throughput),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=key,
            )
