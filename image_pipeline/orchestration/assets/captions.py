"""The caption of each image."""

from statistics import fmean

import dagster as dg

from image_pipeline.orchestration.assets.decoded_tensors import decoded_tensors
from image_pipeline.orchestration.assets.step import records, step, table_metadata, throughput_metadata, to_be_made
from image_pipeline.orchestration.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import ImageCaption
from image_pipeline.stages.captions import caption_images
from image_pipeline.stages.unseen import shares


@dg.asset(
    group_name="models",
    kinds={"torch", "transformers", "parquet"},
    owners=["team:photographs"],
    deps=[decoded_tensors],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
    pool="gpu",
    metadata=table_metadata(ImageCaption),
)
def captions(
    context: dg.AssetExecutionContext, store: StoreResource, decoding: DecodingResource, inference: InferenceResource
) -> None:
    """The caption of each image, by a BLIP model, with the mean probability of its tokens as confidence.

    A content that the model has seen before, in whatever directory, is not shown to it again. Where captions are
    switched off, the table is empty.
    """
    with step(context, store), inference.device_lock():
        tables, models = store.tables, inference.pipeline
        chosen = to_be_made(context, store, inference.recipe(decoding), ImageCaption)
        decoded = {partition.key: store.decoded_partition(partition.key) for partition in chosen}
        captioned = caption_images(models.captioner, models.captions_in(store.cache), list(decoded.values()))
        for key, partition, computed in shares(decoded, captioned.computed):
            rows = [captioned.rows[sha256] for sha256 in partition.readable if sha256 in captioned.rows]
            path = tables.write(ImageCaption, key, rows)
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(rows),
                    "images_captioned": computed,
                    "mean_confidence": round(fmean(row.confidence for row in rows), 3) if rows else 0.0,
                    "examples": records(
                        ["caption", "confidence"], [(row.caption, round(row.confidence, 3)) for row in rows[:10]]
                    ),
                    "producer": str(models.caption_producer or "captions are switched off"),
                    **throughput_metadata(models.captioner.throughput if models.captioner else None),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=key,
            )
