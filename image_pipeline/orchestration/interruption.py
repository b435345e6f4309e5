"""Interruptions of a step: by Ctrl-C, by the page's Terminate, or by the end of the page or the machine."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

import dagster as dg

INTERRUPTIONS = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)

INTERRUPTED = "Interrupted: begin again at any time; finished work is kept."
"""The message of a run that Ctrl-C, or a termination from the page, ended."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Remembers, for the length of its block, that a signal came to interrupt it.

    The handler of Python's, and of Dagster's, raises in whatever runs at that moment. If that is a finalizer, or a
    callback of the garbage collector, Python prints the exception and goes on as if nothing had been. So the step asks,
    as often as it gets on.
    """

    def __init__(self) -> None:
        self._came = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in _SIGNALS}
            for number in _SIGNALS:
                signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises DagsterExecutionInterruptedError if a signal has come."""
        if self._came:
            raise dg.DagsterExecutionInterruptedError

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        before = self._before[signal.Signals(number)]
        if callable(before):
            before(number, frame)
