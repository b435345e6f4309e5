"""Stage tables: Parquet files with a declared schema, one per stage and partition."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from image_pipeline.errors import StoreError
from image_pipeline.schema.rows import Row, Stage
from image_pipeline.storage.claims import delete_unfinished, replacing
from image_pipeline.storage.store import Store

R = TypeVar("R", bound=Row)

_NOTE = b"image_pipeline.note"
_VECTOR = pa.list_(pa.float32())


class PartitionTables:
    """The rows of several tables of a partition, by the class of the rows: `tables[ContentHash]`."""

    def __init__(self, rows: Mapping[Stage, Sequence[Row]]) -> None:
        self._rows = dict(rows)

    def __getitem__(self, row_type: type[R]) -> Sequence[R]:
        """The rows of a stage's table. Raises KeyError if it was not read."""
        return cast("Sequence[R]", self._rows[row_type.stage])

    def having(self, row_type: type[R], rows: Sequence[R]) -> "PartitionTables":
        """The same tables, with the rows of one stage replaced by `rows`."""
        return PartitionTables({**self._rows, row_type.stage: rows})


@dataclass(frozen=True)
class StageTables:
    """The stage tables of a store."""

    store: Store

    def read(self, row_type: type[R], partition_key: str) -> list[R]:
        """The rows of a stage's table. Raises StoreError if the stage has not run for the partition."""
        return self.read_noted(row_type, partition_key)[0]

    def read_if_exists(self, row_type: type[R], partition_key: str) -> list[R] | None:
        """The rows of a stage's table; None if there is no usable table, so that it has to be made again.

        A table is not usable if it is damaged, or if it has different columns (from an older version);
        it may lack columns that were added later. Raises
        StoreError if the file cannot be read.
        """
        found = self._load(row_type, partition_key)
        return None if found is None else found[0]

    def read_noted(self, row_type: type[R], partition_key: str) -> tuple[list[R], str]:
        """The rows of a stage's table, and the note stored with them. Raises StoreError as `read` does."""
        found = self._load(row_type, partition_key)
        if found is None:
            raise StoreError(
                f"There is no {row_type.stage} of partition {partition_key!r} in the store: "
                f"materialize {row_type.stage} for it first."
            )
        return found

    def first(self, row_type: type[R], partition_key: str, count: int) -> list[R]:
        """The first rows of a stage's table, at most `count`, without reading the others; none if it is not usable."""
        path = self.store.table_file(row_type.stage, partition_key)
        try:
            with pq.ParquetFile(path) as file:
                if not _is_usable(file.schema_arrow, row_type):
                    return []
                table = pa.Table.from_batches(list(islice(file.iter_batches(count), 1)), file.schema_arrow)
        except (OSError, pa.ArrowException, UnicodeDecodeError):
            return []
        return _rows(row_type, table)

    def note(self, row_type: type[Row], partition_key: str) -> str | None:
        """The note stored with a stage's table, without reading its rows; None if there is no usable table."""
        try:
            schema = pq.read_schema(self.store.table_file(row_type.stage, partition_key))
            return _note(schema) if _is_usable(schema, row_type) else None
        except (OSError, pa.ArrowException, UnicodeDecodeError):
            return None

    def row_count(self, row_type: type[Row], partition_key: str) -> int:
        """The number of rows of a stage's table; 0 if there is none."""
        try:
            return int(pq.read_metadata(self.store.table_file(row_type.stage, partition_key)).num_rows)
        except (OSError, pa.ArrowException):
            return 0

    def _load(self, row_type: type[R], partition_key: str) -> tuple[list[R], str] | None:
        path = self.store.table_file(row_type.stage, partition_key)
        try:
            with path.open("rb") as file:
                table = pq.ParquetFile(file, page_checksum_verification=True).read()
            note = _note(table.schema)
        except (FileNotFoundError, pa.ArrowException, UnicodeDecodeError):
            return None
        except OSError as error:
            if error.errno is None:  # not from the system: Arrow found the file damaged
                return None
            raise StoreError(
                f"{path} cannot be read ({error.strerror}): give the user who runs the pipeline read permission."
            ) from error
        if not _is_usable(table.schema, row_type):
            return None
        return _rows(row_type, table), note

    def read_all(self, row_types: Iterable[type[Row]], partition_key: str) -> PartitionTables:
        """The tables of several stages. Raises StoreError as `read` does, for the first one that is missing."""
        return PartitionTables({row_type.stage: self.read(row_type, partition_key) for row_type in row_types})

    def write(self, row_type: type[R], partition_key: str, rows: Sequence[R], note: str = "") -> Path:
        """Replace a stage's table by `rows` in one step: readers see the complete old table or the complete new one.

        `note` is a text stored in the same file. Raises StoreError if the store cannot be written, or if a value of a
        row does not fit its column.
        """
        path = self.store.table_file(row_type.stage, partition_key)
        schema = row_type.schema().with_metadata({_NOTE: note})
        try:
            columns = [_array([getattr(row, column.name) for row in rows], column.type) for column in schema]
        except (pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError) as error:
            raise _cannot_be_stored(row_type, partition_key, rows, error) from error
        table = pa.Table.from_arrays(columns, schema=schema)
        try:
            with replacing(path) as file:
                pq.write_table(table, file, compression="zstd", write_page_checksum=True)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror or error}): make room in the store, or set "
                "IMAGE_PIPELINE_HOME to a writable folder."
            ) from error
        return path

    def delete(self, partition_key: str) -> None:
        """Delete the tables of all stages of a partition."""
        for stage in Stage:
            file = self.store.table_file(stage, partition_key)
            file.unlink(missing_ok=True)
            delete_unfinished(file.parent)


def _cannot_be_stored(row_type: type[Row], partition_key: str, rows: Sequence[Row], error: Exception) -> StoreError:
    """The error for the first row with a value that does not fit its column; it names the file or the content."""
    for row in rows:
        for column in row_type.schema():
            try:
                _array([getattr(row, column.name)], column.type)
            except (pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError):
                named = getattr(row, fields(row_type)[0].name)
                return StoreError(
                    f"The {row_type.stage} of {named} cannot be stored, since its {column.name} is "
                    f"{getattr(row, column.name)!r:.100}: move that file out of the library, and report this as a bug."
                )
    return StoreError(
        f"The {row_type.stage} of partition {partition_key!r} cannot be stored ({error}): report this as a bug."
    )


def _is_usable(schema: pa.Schema, row_type: type[Row]) -> bool:
    """Whether a table has the declared columns; it may lack those that were added later."""
    declared = row_type.schema()
    missing = row_type.added_later().difference(schema.names)
    return bool(schema.equals(pa.schema([column for column in declared if column.name not in missing])))


def _rows(row_type: type[R], table: pa.Table) -> list[R]:
    missing = row_type.added_later().difference(table.schema.names)
    columns = (
        [None] * table.num_rows if field.name in missing else _values(table.column(field.name))
        for field in fields(row_type)
    )
    return [row_type(*values) for values in zip(*columns, strict=True)]


def _note(schema: pa.Schema) -> str:
    return str((schema.metadata or {}).get(_NOTE, b"").decode())


def _values(column: "pa.ChunkedArray[Any]") -> list[Any]:
    """The values of a column; vectors become arrays of four bytes per number, copied as a block."""
    if column.type != _VECTOR:
        return column.to_pylist()
    vectors: Any = column.combine_chunks()
    numbers = vectors.flatten().to_numpy(zero_copy_only=False)
    ends = vectors.value_lengths().to_numpy(zero_copy_only=False).cumsum()
    return [array("f", part.tobytes()) for part in np.split(numbers, ends[:-1])] if len(ends) else []


def _array(values: list[Any], arrow_type: pa.DataType) -> Any:
    if arrow_type != _VECTOR:
        return pa.array(values, arrow_type)
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int32)
    numbers = np.concatenate([np.frombuffer(vector, np.float32) for vector in values] or [np.empty(0, np.float32)])
    lists: Any = pa.ListArray  # its type stubs do not accept NumPy arrays
    return lists.from_arrays(offsets, numbers)
