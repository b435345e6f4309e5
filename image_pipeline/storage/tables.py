"""Stage tables: Parquet files with a declared schema, one for each stage and partition."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from image_pipeline.errors import StoreError
from image_pipeline.storage.schemas import SCHEMAS, Stage
from image_pipeline.storage.store import Store


@dataclass(frozen=True)
class StageTables:
    """The stage tables of a store."""

    store: Store

    def read(self, stage: Stage, partition_key: str) -> list[dict[str, Any]]:
        """The rows of a stage's table. Raises StoreError where the stage has not run for the partition."""
        rows = self.read_if_there(stage, partition_key)
        if rows is None:
            raise StoreError(
                f"There is no {stage} of partition {partition_key!r} in the store: materialize {stage} for it first."
            )
        return rows

    def read_if_there(self, stage: Stage, partition_key: str) -> list[dict[str, Any]] | None:
        """The rows of a stage's table; None where there is no table, or one with other columns (of an older version)."""
        try:
            table = pq.read_table(self.store.table_file(stage, partition_key), partitioning=None, memory_map=True)
        except (FileNotFoundError, pa.ArrowInvalid):
            return None
        rows: list[dict[str, Any]] = table.to_pylist() if table.schema.names == SCHEMAS[stage].names else None
        return rows

    def write(self, stage: Stage, partition_key: str, rows: Sequence[Mapping[str, Any]]) -> Path:
        """Replace a stage's table by `rows`, in one step: a reader sees the old table or the new one, whole.

        Raises StoreError where the store cannot be written.
        """
        path = self.store.table_file(stage, partition_key)
        table = pa.Table.from_pylist(rows, schema=SCHEMAS[stage])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, table)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror or error}): make room in the store, or set "
                "IMAGE_PIPELINE_HOME to a folder that can be written."
            ) from error
        return path

    def delete(self, partition_key: str) -> None:
        """Delete the tables of all stages of a partition."""
        for stage in Stage:
            self.store.table_file(stage, partition_key).unlink(missing_ok=True)


def replace_file(path: Path, table: pa.Table) -> None:
    """Write `table` to a temporary name beside `path` and rename it, so that `path` is never half-written."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with open(descriptor, "wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
