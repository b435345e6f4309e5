"""Dagster's definitions, assembled from settings."""

import dagster as dg

from image_pipeline.orchestration.assets import ASSETS
from image_pipeline.orchestration.checks import ingested_partitions, whole_collection
from image_pipeline.orchestration.jobs import ingest_job, retire_job
from image_pipeline.orchestration.resources import make_resources
from image_pipeline.orchestration.run_config import console, in_memory, in_process
from image_pipeline.orchestration.sensors import library_sensor
from image_pipeline.settings import Settings
from image_pipeline.stages.registry import STAGES

# A different model makes the existing materializations stale, like a different version of the code.
_MODEL_ASSETS = {dg.AssetKey(stage.value) for stage, declaration in STAGES.items() if declaration.producer_field}


def make_definitions(settings: Settings) -> dg.Definitions:
    """The assets, checks, jobs, sensor and resources for `settings`."""

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
