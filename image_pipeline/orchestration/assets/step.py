"""The step of an asset: the partitions of the run, errors for people, progress in the step's log."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import accumulate
from typing import Any

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG

from image_pipeline.errors import PipelineError, SettingsError
from image_pipeline.files.partition import Partition
from image_pipeline.inference.batching import Throughput
from image_pipeline.orchestration.interruption import INTERRUPTED, INTERRUPTIONS, Interruption
from image_pipeline.orchestration.partitions import correct_tags, keep_range, registered_keys
from image_pipeline.orchestration.resources import StoreResource
from image_pipeline.progress import Progress, expect, listening
from image_pipeline.schema.rows import DiscoveredFile, Row
from image_pipeline.stages.decoded_tensors import read_decoded
from image_pipeline.stages.tensor_stage import DecodedPartition
from image_pipeline.storage.ledger import LedgerEntry
from image_pipeline.storage.tables import StageTables
from image_pipeline.terminal import escaped
from image_pipeline.traces import span

_LOG_SECONDS = 5.0

_log = logging.getLogger(__name__)  # unlike the log of a step, this one is also shown on the command line

LISTED_ROWS = 50
"""The maximum number of rows in a materialization's table, since Dagster keeps materializations for ever."""

TRANSIENT_RETRY = dg.RetryPolicy(max_retries=4, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For temporary errors: retries after about 2, 6, 14 and 30 s, and then the run fails.

No asset has it as its retry policy: Dagster would then retry every error, even a permanent one, and would treat an
interruption as one more failure of the step, and go on with the rest of the run.
"""


class _ProgressLog:
    """Writes progress to a step's log every few seconds, and ends the step if it was interrupted."""

    def __init__(self, log: dg.DagsterLogManager, interruption: Interruption) -> None:
        self._log, self._interruption, self._last = log, interruption, time.monotonic()

    def __call__(self, progress: Progress) -> None:
        self._interruption.check()
        if time.monotonic() - self._last >= _LOG_SECONDS:
            self._last = time.monotonic()
            self._log.info(f"{progress.stage}: {progress.done} of {progress.total} images")


StepContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext


@contextmanager
def step(
    context: StepContext, store: StoreResource, find_keys: Callable[[], Sequence[str]] | None = None
) -> Iterator[Sequence[str]]:
    """Run the work of an asset: progress goes to the log, and a PipelineError becomes the step's failure.

    The run claims its partitions, or those that `find_keys` returns, and keeps them until it ends; the block gets their
    keys. A failure is retried only if the same call may succeed a little later. An interruption ends the whole run.
    """
    with Interruption() as interruption, ExitStack() as stack:
        stack.enter_context(listening(_ProgressLog(context.log, interruption)))
        try:
            if find_keys is not None:
                keys = find_keys()
            else:
                keys = keys_of_run(context)
                keep_range(keys)
            if not store.claims.has(keys):
                correct_tags(context.instance, context.run, keys)
                store.claims.take(keys)
            with span(context.op_def.name, partitions=len(keys)):
                yield keys
            interruption.check()
        except PipelineError as error:
            raise _failure(context, error) from error
        except dg.DagsterInvalidInvocationError as error:
            raise _failure(context, SettingsError(str(error))) from error
        except INTERRUPTIONS:
            _end_as_canceled(context)
            raise


def _failure(context: StepContext, error: PipelineError) -> dg.Failure | dg.RetryRequested:
    if error.transient and context.retry_number < TRANSIENT_RETRY.max_retries:
        attempt = context.retry_number + 1
        seconds = TRANSIENT_RETRY.calculate_delay(attempt)
        when = f"tried again in {seconds:.1f} s ({attempt} of {TRANSIENT_RETRY.max_retries})"
        _log.warning("%s is %s: %s", context.op_def.name, when, error)
        return dg.RetryRequested(TRANSIENT_RETRY.max_retries, seconds)
    if not error.transient:
        context.instance.add_run_tags(context.run.run_id, {MAX_RETRIES_TAG: "0"})
    return dg.Failure(str(error), allow_retries=False)


def _end_as_canceled(context: StepContext) -> None:
    """Report a run as canceled if it was started in a terminal and is interrupted there, for example with Ctrl-C.

    Otherwise Dagster reports an interrupted run as failed, unless it was canceled on the page. A run that was launched
    from the page and is interrupted in any other way stops together with the page, and is started again with it.
    """
    if context.run.remote_job_origin is None:
        context.instance.report_run_canceling(context.run, INTERRUPTED)


def keys_of_run(context: StepContext) -> Sequence[str]:
    """The partition keys of a run, one or more.

    Raises SettingsError if the run names none, one that is not registered, or a range that ends before it begins.
    """
    try:
        keys = context.partition_keys
    except dg.DagsterInvalidInvocationError as error:
        raise SettingsError(str(error)) from error
    except dg.DagsterInvariantViolationError as error:
        raise SettingsError(
            "The run names no directory: `image-pipeline scan` registers the directories of the library and prints "
            'their keys; give one as --tags \'{"dagster/partition": "KEY"}\'.'
        ) from error
    if not keys:
        start, end = context.partition_key_range
        raise SettingsError(
            f"{end!r} comes before {start!r} in the order in which `image-pipeline scan` prints them: let the range "
            f"begin with {end!r}."
        )
    return keys


def partitions(context: dg.AssetExecutionContext) -> list[Partition]:
    """The partitions of a run that still exist: see `keys_at_work`."""
    return [Partition.from_key(key) for key in keys_at_work(context)]


def keys_at_work(context: StepContext) -> list[str]:
    """The keys of a run, without those that a different run removed while this one waited for its claim.

    Call it within a `step`. Raises SettingsError as `keys_of_run` does.
    """
    registered = set(registered_keys(context.instance))
    return [key for key in keys_of_run(context) if key in registered]


def to_be_made(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    row_type: type[Row],
    metadata_of: Callable[[LedgerEntry, int], Mapping[str, Any]] | None = None,
) -> Iterator[Partition]:
    """Yields the partitions of a run that a stage has to process; the others are reported as unchanged.

    Each yielded partition counts as not ingested from then on. `metadata_of` makes the metadata of an unchanged one
    from its ledger entry and its number of rows; the default is `unchanged_metadata`. Raises SettingsError as
    `partitions` does.
    """
    unchanged = store.unchanged
    metadata_of = metadata_of or unchanged_metadata
    for partition in with_remaining_work(store.tables, partitions(context)):
        entry = unchanged.entry(partition.key)
        if entry is None:
            unchanged.begin(partition.key, store.ledger)
            yield partition
        else:
            rows = store.tables.row_count(row_type, partition.key)
            context.add_asset_metadata(metadata_of(entry, rows), partition_key=partition.key)


def unchanged_metadata(entry: LedgerEntry, rows: int) -> dict[str, int | dg.MetadataValue]:
    """The metadata of a partition that a stage left unchanged: the number of rows, and the run that made them."""
    return {"dagster/row_count": rows, "unchanged_since": dg.MetadataValue.dagster_run(entry.run_id)}


def decoded_to_be_made(
    context: dg.AssetExecutionContext, store: StoreResource, row_type: type[Row]
) -> dict[str, DecodedPartition]:
    """The decoded partitions among those of `to_be_made`, by key. Raises StoreError if one of them was not decoded."""
    chosen = to_be_made(context, store, row_type)
    return {partition.key: read_decoded(store.tables, partition.key) for partition in chosen}


def data_version(notes: Iterable[str]) -> dg.DataVersion:
    """The data version of a run's partitions, from the notes of their tables."""
    return dg.DataVersion(hashlib.sha256("".join(notes).encode()).hexdigest()[:16])


def records(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.TableMetadataValue:
    """A table for a materialization's page."""
    return dg.MetadataValue.table(
        records=[dg.TableRecord({n: escaped(v) for n, v in zip(columns, row, strict=True)}) for row in rows],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in columns]),
    )


def throughput_metadata(throughput: Throughput | None) -> dict[str, str | float]:
    """The throughput of a model in this process: device, number format, batch size, and images per second.

    The rate is over all directories that share the model's batches, not for a single one.
    """
    if throughput is None:
        return {"device": "not needed: every image was seen before"}
    return {
        "device": f"{throughput.device}, batches of {throughput.batch_size}",
        "images_per_second": round(throughput.images_per_second, 1),
    }


def with_remaining_work(tables: StageTables, partitions: Sequence[Partition]) -> Iterator[Partition]:
    """Yields the partitions of a stage; progress reports meanwhile include the number of files in later partitions.

    The numbers are the row counts of `discovered_files`. They are read once, and only if progress is reported at all.
    """

    @cache
    def files_up_to() -> list[int]:
        return list(accumulate(tables.row_count(DiscoveredFile, partition.key) for partition in partitions))

    try:
        for index, partition in enumerate(partitions):
            expect(lambda index=index: files_up_to()[-1] - files_up_to()[index])  # type: ignore[misc]
            yield partition
    finally:
        expect()
