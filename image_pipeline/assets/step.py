"""What the assets share: partitions in, errors for people, progress in the step's log."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import dagster as dg

from image_pipeline.errors import PipelineError, SettingsError
from image_pipeline.files.partition import Partition
from image_pipeline.inference.batching import Throughput
from image_pipeline.partitions import within_range
from image_pipeline.progress import Progress, listening
from image_pipeline.resources import StoreResource
from image_pipeline.storage.ledger import LedgerEntry
from image_pipeline.storage.rows import Row
from image_pipeline.terminal import escaped

_LOG_SECONDS = 5.0

SERVICE_RETRY = dg.RetryPolicy(max_retries=4, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For what calls a service or a device: 2, 6, 14, 30 s, more or less, and then the run fails."""

INTERRUPTIONS = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)

INTERRUPTED = "Interrupted: begin again at any time, what was done is kept"
"""What is told of a run that Ctrl-C, or a termination from the page, ended."""


class _ProgressLog:
    """Writes progress into a step's log, every few seconds."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log, self._last = log, time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._last >= _LOG_SECONDS:
            self._last = time.monotonic()
            self._log.info(f"{progress.stage}: {progress.done} of {progress.total} images")


@contextmanager
def step(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext) -> Iterator[None]:
    """The work of an asset: its progress goes to the log, and an error for people becomes the step's failure.

    The failure is retried only where the same call may succeed a little later, and an interruption never: Dagster
    itself would try a step that has a retry policy again, whoever interrupted it.
    """
    with ExitStack() as stack:
        stack.enter_context(listening(_ProgressLog(context.log)))
        try:
            if isinstance(context, dg.AssetExecutionContext):
                stack.enter_context(within_range([partition.key for partition in partitions(context)]))
            yield
        except PipelineError as error:
            raise dg.Failure(str(error), allow_retries=error.transient) from error
        except INTERRUPTIONS as interruption:
            raise dg.Failure(INTERRUPTED, allow_retries=False) from interruption


def partitions(context: dg.AssetExecutionContext) -> list[Partition]:
    """The partitions of a run. Raises SettingsError where it names none, or a key that is not registered."""
    try:
        keys = context.partition_keys
    except (dg.DagsterInvalidInvocationError, dg.DagsterInvariantViolationError) as error:
        raise SettingsError(
            "The run names no directory that is registered: `image-pipeline scan` registers those of the library and "
            'prints their keys; give one as --tags \'{"dagster/partition": "KEY"}\'.'
        ) from error
    return [Partition.from_key(key) for key in keys]


def to_be_made(
    context: dg.AssetExecutionContext, store: StoreResource, recipe: str, row_type: type[Row]
) -> Iterator[Partition]:
    """The partitions of a run of which a stage has something to make; of the others, it says that they are unchanged.

    Those to be made count as not ingested from then on.
    Raises SettingsError as `partitions` does.
    """
    unchanged = store.unchanged(recipe)
    for partition in partitions(context):
        entry = unchanged.entry(partition.key)
        if entry is None:
            if unchanged.counts_as_ingested(partition.key):
                store.ledger.set_outdated([partition.key])
            yield partition
        else:
            context.add_asset_metadata(
                unchanged_metadata(entry, store.tables.row_count(row_type, partition.key)), partition_key=partition.key
            )


def unchanged_metadata(entry: LedgerEntry, rows: int) -> dict[str, int | dg.MetadataValue]:
    """What a stage tells of a partition that it left as it was: the run that made it."""
    return {"dagster/row_count": rows, "unchanged_since": dg.MetadataValue.dagster_run(entry.run_id)}


def table_metadata(row_type: type[Row]) -> dict[str, dg.TableSchema]:
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


def records(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.TableMetadataValue:
    """A table for a materialization's page."""
    return dg.MetadataValue.table(
        records=[dg.TableRecord({n: escaped(v) for n, v in zip(columns, row, strict=True)}) for row in rows],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in columns]),
    )


def told(throughput: Throughput | None) -> dict[str, str | float]:
    """What a model has done in this process: its device, number format, batch size, and images a second.

    The rate is that of the model over all directories that share its batches, not of one of them.
    """
    if throughput is None:
        return {"device": "not needed: every image was seen before"}
    return {
        "device": f"{throughput.device}, batches of {throughput.batch_size}",
        "images_per_second": round(throughput.images_per_second, 1),
    }
