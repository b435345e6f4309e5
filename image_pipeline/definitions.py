"""The one place where everything is put together."""

import dagster as dg

from image_pipeline.assets import ASSETS
from image_pipeline.checks import ingested_partitions, whole_collection
from image_pipeline.jobs import ingest_job, retire_job
from image_pipeline.privacy import keep_private
from image_pipeline.records import write_records_quickly
from image_pipeline.resources import make_resources
from image_pipeline.run_config import console, in_memory, in_process
from image_pipeline.sensors import library_sensor
from image_pipeline.settings import Settings, load_settings

# Another model makes what is there stale, as another version of the code does.
_MODEL_ASSETS = {dg.AssetKey("embeddings"), dg.AssetKey("captions")}


def make_definitions(settings: Settings) -> dg.Definitions:
    """Assets, checks, jobs, sensor and resources, as the settings say."""

    def with_models(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key not in _MODEL_ASSETS:
            return spec
        return spec.replace_attributes(code_version=f"{spec.code_version} {settings.models} {settings.dtype}")

    return dg.Definitions(
        assets=dg.map_asset_specs(with_models, ASSETS),
        asset_checks=[ingested_partitions, whole_collection],
        jobs=[ingest_job, retire_job],
        sensors=[library_sensor],
        resources={**make_resources(settings), "io_manager": in_memory},
        executor=in_process,
        loggers={"console": console},
    )


keep_private()
write_records_quickly()
defs = make_definitions(load_settings())
