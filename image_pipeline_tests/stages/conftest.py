"""A store, and the tables of a partition as the stages would leave them."""

from image_pipeline_tests.storage.conftest import run_stages, store, tables

__all__ = ["run_stages", "store", "tables"]
