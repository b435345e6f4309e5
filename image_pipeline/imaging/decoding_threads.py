"""Decoding for many callers: threads, each with one worker process, that take files from a queue."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from image_pipeline.imaging.pool import DecodeFailure, DecodeOutcome, DecodeTask, WorkerPool
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.storage.tensors import TensorFile

Outcome = DecodeOutcome | DecodeFailure


@dataclass(frozen=True)
class _Order:
    task: DecodeTask
    outputs: Sequence[TensorFile]
    future: "Future[Outcome]" = field(default_factory=Future)


class DecodingThreads:
    """`count` threads that decode, for the length of a `with` block; a file that crashes a decoder harms no other."""

    def __init__(self, limits: DecodeLimits, count: int) -> None:
        self._limits = limits
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        # a worker process ends with the thread that started it, so each thread has a pool of its own
        names = (f"decode-{number}" for number in range(count))
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish what was taken, then end the threads and their processes."""
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def decode(self, task: DecodeTask, outputs: Sequence[TensorFile]) -> "Future[Outcome]":
        """The outcome of decoding a file into `outputs`; a future that is cancelled before its turn costs nothing."""
        order = _Order(task, outputs)
        self._orders.put(order)
        return order.future

    def _work(self) -> None:
        with WorkerPool(self._limits, 1) as pool:
            while (order := self._orders.get()) is not None:
                if not order.future.set_running_or_notify_cancel():
                    continue
                try:
                    outcome = next(iter(pool.decode([order.task], order.outputs)))
                except Exception as error:
                    order.future.set_exception(error)
                else:
                    order.future.set_result(outcome)
