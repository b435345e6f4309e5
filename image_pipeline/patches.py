"""Patches: changes to the inner workings of Python, Dagster, torch and transformers, for speed or memory.

All of them are in this module. Each is written for one release of the package that it changes. If a different release
is installed, the patch is left off with a warning: the pipeline then gives the same results, only more slowly. A patch
stays only if it saves at least 5 % of a command, a run or its memory. Gains are CPU time, measured on two cores.

| patch | written for | measured gain |
|---|---|---|
| `collect_garbage_rarely` | CPython | `ingest` of 300 files 12 %, `status` 18 % |
| `run_without_finalization` | any | `search` by words 20 %, by a filter 23 %, `status` 15 % |
| `skip_command_line_of_httpx` | any | `search` with an inference service 9 % |
| `release_memory` | any (glibc, Arrow) | peak memory of 8 runs in one process: 1.1 times that of one run, not 1.4 |
| `store_events_in_batches` | Dagster 1.13 | `ingest` of 100 directories with 3 files each 39 %, a repeated one 25 % |
| `sync_records_rarely` | Dagster 1.13 | `ingest` of 60 directories 7 % of the elapsed time, at 8 ms per sync |
| `skip_random_weights` | torch 2.15 | creating ViT-B/32 94 %, SigLIP 2 B/16 75 % |
| `fused_attention` | transformers 5.23 | BLIP's image encoder in fp32 13 %, in bf16 72 % |
"""

import atexit
import ctypes
import gc
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

# The imports of a command create about 700,000 objects and no garbage; Python would look for garbage every 700 objects.
_OBJECTS_BETWEEN_COLLECTIONS = 20_000

_BATCH_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
_EVENTS_IN_BATCH = 200

_DRAWING = {"kaiming_uniform_", "normal_", "uniform_"}
"""Functions that draw random numbers: of `torch.nn.init`, or tensor methods that its other functions call."""


@cache
def is_written_for(package: str, release: str, effect: str) -> bool:
    """Whether the installed `package` is of the `release` (`1.13`) that a patch is written for.

    If it is not, a warning with the `effect` of leaving the patch off is logged once per process.
    """
    from importlib.metadata import version  # takes a tenth of `--help`

    installed = version(package)
    if f"{installed}.".startswith(f"{release}."):
        return True
    _log.warning("%s %s is installed; a patch for %s %s is left off: %s.", package, installed, package, release, effect)
    return False


def collect_garbage_rarely() -> None:
    """Let Python look for garbage less often in this process."""
    if sys.implementation.name == "cpython":
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def run_without_finalization(program: Callable[[], object]) -> None:
    """Call `program`; if it exits (SystemExit), let this process end without Python's finalization.

    That destroys each object, although the system frees all memory anyway. What `program` registers for the exit is
    done, logs are closed and output is flushed. If it cannot be flushed, Python ends as usual, and reports that. What
    was registered for the exit before is left out.
    """
    codes: list[int] = []

    def leave() -> None:
        if not codes:
            return
        logging.shutdown()
        try:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
        except (OSError, ValueError):
            return
        os._exit(codes[0])

    atexit.register(leave)  # called after those that are registered from here on
    try:
        program()
    except SystemExit as ended:
        if isinstance(ended.code, int | None):
            codes.append(ended.code or 0)
        raise


def skip_command_line_of_httpx() -> None:
    """Let the next `import httpx` leave out httpx's own command line, which imports rich and pygments.

    httpx does so itself if they are not installed. With another release of it, nothing may change.
    """
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]


def release_memory() -> None:
    """Return the free memory of this process to the system, between two runs.

    The C library and Arrow keep freed memory in pieces that the next run, with other sizes, cannot use. On systems
    without glibc, only Arrow's memory is returned.
    """
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def store_events_in_batches() -> None:
    """Let this process write Dagster's events in batches, if Dagster keeps them in SQLite.

    Dagster writes each event in separate transactions, on newly opened connections, and each stage of a partition has
    two events: without batches, recording a small directory took longer than ingesting it. If the variable is set,
    Dagster passes events on in batches, but its SQLite storage still writes them one by one. The patch changes that;
    the stored events are the same.
    """
    if not is_written_for("dagster", "1.13", "an ingestion of many small directories takes nearly twice as long"):
        return
    from dagster._core.storage.event_log import SqliteEventLogStorage

    os.environ.setdefault(_BATCH_VARIABLE, str(_EVENTS_IN_BATCH))
    setattr(SqliteEventLogStorage, "store_event_batch", _store_event_batch)  # noqa: B010 (a method of a class)


def _store_event_batch(storage: Any, events: Sequence[Any]) -> None:
    """Store the events of assets together, and all others one by one, with the results of `store_event`."""
    from dagster._core.events import ASSET_EVENTS

    for (run_id, is_of_asset), group in groupby(events, lambda e: (e.run_id, e.dagster_event_type in ASSET_EVENTS)):
        if is_of_asset:
            _store_asset_events(storage, run_id, list(group))
        else:
            for event in group:
                storage.store_event(event)


def _store_asset_events(storage: Any, run_id: str, events: list[Any]) -> None:
    from dagster._core.storage.event_log import SqlEventLogStorageTable

    rows = [storage._event_to_row(event) for event in events]
    insert = SqlEventLogStorageTable.insert()
    with storage.run_connection(run_id) as connection:
        connection.execute(insert, rows)
    with storage.index_transaction() as connection:
        keys = [connection.execute(insert, row).inserted_primary_key for row in rows]
        ids = [key[0] for key in keys if key is not None]
        storage._store_asset_event_tags(connection, events, ids)
        # the row of an asset refers to its last event of each kind
        last = {
            (event.get_dagster_event().asset_key, event.dagster_event_type): (event, number)
            for event, number in zip(events, ids, strict=True)
        }
        for event, number in last.values():
            storage._store_asset_event(connection, event, number)


def sync_records_rarely() -> None:
    """Let SQLite, in this process, sync Dagster's records to the disk at checkpoints instead of at each transaction.

    In WAL mode, which Dagster uses, that cannot damage them. A power cut may lose Dagster's records of the last
    seconds, and nothing of the pipeline's own, which does not use SQLAlchemy.
    """
    if not is_written_for("dagster", "1.13", "small directories take longer to record on a slow disk"):
        return
    from sqlalchemy import Engine, event

    if not event.contains(Engine, "connect", _sync_at_checkpoints):
        event.listen(Engine, "connect", _sync_at_checkpoints)


def _sync_at_checkpoints(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")


def skip_random_weights() -> AbstractContextManager[object]:
    """A context in which modules that this thread creates leave weights uninitialised instead of drawing them.

    Only for a model whose weights are all loaded from a file afterwards. Weights that are set to a constant, such as
    those of layer norms, are still set.
    """
    if not is_written_for("torch", "2.15", "loading a model takes seconds longer"):
        return nullcontext()
    from torch.overrides import TorchFunctionMode

    class SkipRandomWeights(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Iterable[type],
            args: tuple[Any, ...] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:
            named = kwargs or {}
            if getattr(func, "__name__", None) in _DRAWING:
                return args[0] if args else named["tensor"]
            return func(*args, **named)

    return SkipRandomWeights()


def fused_attention(model: Any) -> None:
    """Let the image encoder of a `BlipForConditionalGeneration` use torch's fused attention kernel.

    transformers offers it (`attn_implementation="sdpa"`) for most models, but not for BLIP. The kernel never writes the
    scores, 577 by 577 patches in 12 heads, to memory.
    """
    if is_written_for("transformers", "5.23", "captions take longer to compute"):
        for layer in model.vision_model.encoder.layers:
            layer.self_attn.forward = _FusedAttention(layer.self_attn)


class _FusedAttention:
    """The forward pass of one `BlipAttention` module."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __call__(self, hidden_states: "torch.Tensor", **_: Any) -> "tuple[torch.Tensor, None]":
        """The module's result for `[n, patches, width]`; None in place of the attention's weights."""
        import torch

        module, (count, patches, width) = self._module, hidden_states.shape
        query, key, value = (
            module.qkv(hidden_states).view(count, patches, 3, module.num_heads, module.head_dim).permute(2, 0, 3, 1, 4)
        )
        seen = torch.nn.functional.scaled_dot_product_attention(query, key, value, scale=module.scale)
        return module.projection(seen.transpose(1, 2).reshape(count, patches, width)), None
