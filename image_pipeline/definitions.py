"""Dagster's entry point: the definitions of the settings in the environment."""

from image_pipeline.orchestration.build import make_definitions
from image_pipeline.orchestration.event_log import write_records_quickly
from image_pipeline.settings import load_settings
from image_pipeline.storage.private_files import keep_private

keep_private()
write_records_quickly()
defs = make_definitions(load_settings())
