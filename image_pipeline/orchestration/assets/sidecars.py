"""The metadata in the sidecars of photographs."""

import logging
import time

import dagster as dg

from image_pipeline.orchestration.assets.stage_asset import stage_asset
from image_pipeline.orchestration.assets.step import step, to_be_made
from image_pipeline.orchestration.resources import DecodingResource, StoreResource
from image_pipeline.schema.rows import DiscoveredFile, Sidecar
from image_pipeline.stages.sidecars import STAGE, read_sidecars
from image_pipeline.terminal import escaped

_log = logging.getLogger(__name__)  # unlike the log of a step, this one is also shown on the command line

_MOST_WARNINGS = 10


@stage_asset(STAGE, group_name="images", kinds={"python", "parquet"})
def sidecars(context: dg.AssetExecutionContext, store: StoreResource, decoding: DecodingResource) -> None:
    """The metadata in the files beside photographs that describe them: XMP, and the JSON of Google Takeout.

    A sidecar whose size and modification time are unchanged is not read again. One that cannot be read costs its
    photograph nothing but the facts in it.
    """
    with step(context, store):
        root, tables, unchanged = store.library_root, store.tables, store.unchanged
        for partition in to_be_made(context, store, Sidecar):
            began = time.monotonic()
            is_current = unchanged.is_of_recipe(partition.key)  # a different version may have read them differently
            known = (tables.read_if_exists(Sidecar, partition.key) or []) if is_current else []
            found = read_sidecars(root, tables.read(DiscoveredFile, partition.key), known, decoding.pool)
            path = tables.write(Sidecar, partition.key, found.rows)
            for row in found.unread[:_MOST_WARNINGS]:
                _log.warning(escaped(f"The sidecar {row.path} could not be read: {row.message}"))
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(found.rows),
                    "sidecars_read": found.read,
                    "could_not_be_read": len(found.unread),
                    "seconds": round(time.monotonic() - began, 3),
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=partition.key,
            )
