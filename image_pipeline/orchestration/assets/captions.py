"""The caption of each image."""

from statistics import fmean

import dagster as dg

from image_pipeline.orchestration.assets.stage_asset import stage_asset
from image_pipeline.orchestration.assets.step import decoded_to_be_made, records, step, throughput_metadata
from image_pipeline.orchestration.resources import InferenceResource, StoreResource
from image_pipeline.schema.rows import ImageCaption
from image_pipeline.stages.captions import STAGE


@stage_asset(STAGE, group_name="models", kinds={"torch", "transformers", "parquet"}, pool="gpu")
def captions(context: dg.AssetExecutionContext, store: StoreResource, inference: InferenceResource) -> None:
    """The caption of each image, by a BLIP model, with the mean probability of its tokens as confidence.

    A content that the model has captioned before, in any directory, is not captioned again. If captions are switched
    off, the table is empty.
    """
    with step(context, store), inference.device_lock():
        models, tables = inference.pipeline, store.tables
        decoded = decoded_to_be_made(context, store, ImageCaption)
        for made in STAGE.rows(models, store.cache, decoded):
            path = tables.write(ImageCaption, made.key, made.rows)
            examples = [(row.caption, round(row.confidence, 3)) for row in made.rows[:10]]
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(made.rows),
                    "images_captioned": made.computed,
                    "mean_confidence": round(fmean(row.confidence for row in made.rows), 3) if made.rows else 0.0,
                    "examples": records(["caption", "confidence"], examples),
                    "producer": str(models.caption_producer or "captions are switched off"),
                    **throughput_metadata(models.captioner.throughput if models.captioner else None),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=made.key,
            )
