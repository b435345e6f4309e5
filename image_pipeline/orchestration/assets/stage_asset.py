"""The asset of a stage that writes a table: properties from the declaration, and those that all stages share."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from image_pipeline.orchestration.partitions import BACKFILL_POLICY, DIRECTORIES
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import Row
from image_pipeline.stages.declaration import StageDeclaration

OWNERS = ["team:photographs"]


def stage_asset(
    declaration: StageDeclaration[Any], *, group_name: str, kinds: set[str], pool: str | None = None
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """A decorator that makes a function the asset of a stage, with the stage's dependencies and column schema.

    Groups, kinds and pools are Dagster's; an asset that runs a model is in the pool `gpu`.
    """
    return dg.asset(
        group_name=group_name,
        kinds=kinds,
        owners=OWNERS,
        deps=[stage.value for stage in declaration.reads],
        partitions_def=DIRECTORIES,
        backfill_policy=BACKFILL_POLICY,
        code_version="1",
        config_schema=NO_CONFIG,
        pool=pool,
        metadata=_columns(declaration.row),
    )


def _columns(row_type: type[Row]) -> dict[str, dg.TableSchema]:
    """The column schema of a stage's table, for the asset's page."""
    schema, descriptions = row_type.schema(), row_type.descriptions()
    columns = [
        dg.TableColumn(
            field.name,
            str(field.type),
            description=descriptions[field.name],
            constraints=dg.TableColumnConstraints(nullable=field.nullable),
        )
        for field in schema
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}
