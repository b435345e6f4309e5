"""The embedding of each image."""

import dagster as dg

from image_pipeline.orchestration.assets.stage_asset import stage_asset
from image_pipeline.orchestration.assets.step import decoded_to_be_made, step, throughput_metadata
from image_pipeline.orchestration.resources import InferenceResource, StoreResource
from image_pipeline.schema.rows import Embedding
from image_pipeline.stages.embeddings import STAGE


@stage_asset(STAGE, group_name="models", kinds={"torch", "parquet"}, pool="gpu")
def embeddings(context: dg.AssetExecutionContext, store: StoreResource, inference: InferenceResource) -> None:
    """The embedding of each image, of unit length, by an open_clip model (CLIP, SigLIP).

    A content that the model has embedded before, in any directory, is not embedded again.
    """
    with step(context, store), inference.device_lock():
        models, tables = inference.pipeline, store.tables
        decoded = decoded_to_be_made(context, store, Embedding)
        for made in STAGE.rows(models, store.cache, decoded):
            path = tables.write(Embedding, made.key, made.rows)
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(made.rows),
                    "images_embedded": made.computed,
                    "producer": str(models.embedding_producer),
                    **throughput_metadata(models.embedder.throughput),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=made.key,
            )
