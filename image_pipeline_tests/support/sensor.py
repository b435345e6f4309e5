"""Ticks of the sensor, with Dagster's own evaluation, and what they ask for."""

import dagster as dg

from image_pipeline.orchestration.partitions import register
from image_pipeline.orchestration.resources import make_resources
from image_pipeline.orchestration.sensors import library_sensor
from image_pipeline_tests.support.library import Pipeline


def tick(pipeline: Pipeline, instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    """One evaluation of the sensor; the keys that it asks for are registered, as the daemon does."""
    resources = make_resources(pipeline.settings)
    with dg.build_sensor_context(instance=instance, resources=resources) as context:
        told = library_sensor(context)
    assert isinstance(told, (dg.SensorResult, dg.SkipReason))
    if isinstance(told, dg.SensorResult):
        for request in told.dynamic_partitions_requests or ():
            register(instance, list(request.partition_keys))
    return told


def ranges(told: dg.SensorResult | dg.SkipReason) -> list[tuple[str, str]]:
    """The ranges of partitions that runs are asked for."""
    assert isinstance(told, dg.SensorResult), told
    return [
        (request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"])
        for request in told.run_requests or ()
        if request.job_name == "ingest"
    ]
