"""The assets: one file for each stage and one for the collection, each named after its asset."""

from importlib import import_module

import dagster as dg

from image_pipeline.schema.rows import Stage

ASSETS: list[dg.AssetsDefinition] = [
    getattr(import_module(f"{__name__}.{name}"), name) for name in (*Stage, "qdrant_collection")
]
"""All assets, in the order of the data flow."""
