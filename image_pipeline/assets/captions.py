"""The caption of each image."""

import time

import dagster as dg

from image_pipeline.assets.decoded_tensors import decoded_tensors
from image_pipeline.assets.step import SERVICE_RETRY, partitions, records, step, table_metadata, told
from image_pipeline.inference.captioning import caption_images
from image_pipeline.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.resources import InferenceResource, StoreResource
from image_pipeline.storage.rows import DecodedImage, ImageCaption


@dg.asset(
    group_name="models",
    kinds={"torch", "transformers", "parquet"},
    owners=["team:photographs"],
    deps=[decoded_tensors],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    pool="gpu",
    retry_policy=SERVICE_RETRY,
    metadata=table_metadata(ImageCaption),
)
def captions(context: dg.AssetExecutionContext, store: StoreResource, inference: InferenceResource) -> None:
    """The caption of each image, by a BLIP model, with the mean probability of its tokens as confidence.

    A content that the model has seen before, in whatever directory, is not shown to it again. Where captions are
    switched off, the table is empty.
    """
    with step(context), inference.turn():
        tables, models = store.tables, inference.pipeline
        cache = models.captions_in(store.cache)
        for partition in partitions(context):
            began = time.monotonic()
            decoded, maker = tables.read_noted(DecodedImage, partition.key)
            directory = store.store.tensor_directory(partition.key, maker)
            captioned = caption_images(models.captioner, cache, directory, decoded)
            path = tables.write(ImageCaption, partition.key, captioned.rows)
            seconds = time.monotonic() - began
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(captioned.rows),
                    "images_captioned": captioned.computed,
                    "images_per_second": round(captioned.computed / seconds, 1),
                    "mean_confidence": captioned.mean_confidence,
                    "examples": records(
                        ["caption", "confidence"], [(r.caption, round(r.confidence, 3)) for r in captioned.rows[:10]]
                    ),
                    "producer": str(models.caption_producer or "captions are switched off"),
                    "device": told(models.captioner.throughput if models.captioner else None),
                    "seconds": round(seconds, 3),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=partition.key,
            )
