"""What the assets share: partitions in, errors for people, progress in the step's log."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG

from image_pipeline.errors import PipelineError, SettingsError
from image_pipeline.files.partition import Partition
from image_pipeline.inference.batching import Throughput
from image_pipeline.orchestration.assets.remaining_work import outlook
from image_pipeline.orchestration.interruption import INTERRUPTED, INTERRUPTIONS, Interruption
from image_pipeline.orchestration.partitions import correct_tags, keep_range, registered_keys
from image_pipeline.orchestration.resources import StoreResource
from image_pipeline.progress import Progress, listening
from image_pipeline.schema.rows import Row
from image_pipeline.stages.decoded_tensors import read_decoded
from image_pipeline.stages.unseen import DecodedPartition
from image_pipeline.storage.ledger import LedgerEntry
from image_pipeline.terminal import escaped

_LOG_SECONDS = 5.0

_log = logging.getLogger(__name__)  # unlike the log of a step, it is seen on the command line, too

LISTED_ROWS = 50
"""Rows of a table that a materialization shows: what it shows is kept for ever."""

TRANSIENT_RETRY = dg.RetryPolicy(max_retries=4, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For errors that may pass: 2, 6, 14, 30 s, more or less, and then the run fails.

No asset has it as its own policy. Dagster would then repeat whatever failed, for however obvious a reason, and take an
interruption for one more failure of the step: the rest of the run would follow.
"""


class _ProgressLog:
    """Writes progress into a step's log, every few seconds; ends the step if it was interrupted."""

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
    """The work of an asset: its progress goes to the log, and an error for people becomes the step's failure.

    From its beginning to the end of the run, its partitions are no other run's: all of the run's, or those that
    `find_keys` gives. The block gets their keys. The failure is retried only if the same call may succeed a little
    later. An interruption ends the whole run.
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
    """Let a run that somebody began in a terminal, and ends there with Ctrl-C, end as canceled.

    For Dagster a run is canceled if the page asked for it, and failed otherwise. A run that was launched from the page
    and is interrupted without being asked for goes down with the page, and is begun again with it.
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
            "The run names no directory: `image-pipeline scan` registers those of the library and prints their keys; "
            'give one as --tags \'{"dagster/partition": "KEY"}\'.'
        ) from error
    if not keys:
        start, end = context.partition_key_range
        raise SettingsError(
            f"{end!r} stands before {start!r} in the order in which `image-pipeline scan` prints them: let the range "
            f"begin with {end!r}."
        )
    return keys


def partitions(context: dg.AssetExecutionContext) -> list[Partition]:
    """The partitions of a run that there are: see `keys_at_work`."""
    return [Partition.from_key(key) for key in keys_at_work(context)]


def keys_at_work(context: StepContext) -> list[str]:
    """The keys of a run, in a `step` of it, without those that another run took out while this one waited for them.

    There is nothing to be done for these. Raises SettingsError as `keys_of_run` does.
    """
    registered = set(registered_keys(context.instance))
    return [key for key in keys_of_run(context) if key in registered]


def to_be_made(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    row_type: type[Row],
    metadata_of: Callable[[LedgerEntry, int], Mapping[str, Any]] | None = None,
) -> Iterator[Partition]:
    """The partitions of a run of which a stage has something to make; of the others, it says that they are unchanged.

    Those to be made count as not ingested from then on. `metadata_of` gives what is said of an unchanged one, from what
    was ingested of it and its number of rows; if None, that is `unchanged_metadata`.
    Raises SettingsError as `partitions` does.
    """
    unchanged = store.unchanged
    metadata_of = metadata_of or unchanged_metadata
    for partition in outlook(store.tables, partitions(context)):
        entry = unchanged.entry(partition.key)
        if entry is None:
            unchanged.begin(partition.key, store.ledger)
            yield partition
        else:
            rows = store.tables.row_count(row_type, partition.key)
            context.add_asset_metadata(metadata_of(entry, rows), partition_key=partition.key)


def unchanged_metadata(entry: LedgerEntry, rows: int) -> dict[str, int | dg.MetadataValue]:
    """What a stage tells of a partition that it left as it was: the run that made it."""
    return {"dagster/row_count": rows, "unchanged_since": dg.MetadataValue.dagster_run(entry.run_id)}


def decoded_to_be_made(
    context: dg.AssetExecutionContext, store: StoreResource, row_type: type[Row]
) -> dict[str, DecodedPartition]:
    """The partitions of `to_be_made` as they were decoded, by key. Raises StoreError if one of them was not."""
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
    """What a model has done in this process: its device, number format, batch size, and images a second.

    The rate is that of the model over all directories that share its batches, not of one of them.
    """
    if throughput is None:
        return {"device": "not needed: every image was seen before"}
    return {
        "device": f"{throughput.device}, batches of {throughput.batch_size}",
        "images_per_second": round(throughput.images_per_second, 1),
    }
