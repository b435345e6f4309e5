"""Dagster's entry point: the definitions of the settings in the environment."""

from image_pipeline.orchestration.build import make_definitions
from image_pipeline.patches import store_events_in_batches, sync_records_rarely
from image_pipeline.settings import load_settings
from image_pipeline.signals import repeat_lost_interruptions
from image_pipeline.storage.private_files import keep_private

keep_private()
repeat_lost_interruptions()
store_events_in_batches()
sync_records_rarely()
defs = make_definitions(load_settings())
