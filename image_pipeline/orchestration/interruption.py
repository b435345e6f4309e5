"""Interruptions of a step: by Ctrl-C, by *Terminate* on the page, or because the page or the machine shuts down."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

import dagster as dg

INTERRUPTIONS = (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)

INTERRUPTED = "Interrupted: start again at any time; finished work is kept."
"""The message of a run that was ended by Ctrl-C or from the page."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Remembers whether a signal has interrupted its block.

    The handlers of Python and Dagster raise an exception in the code that runs at that moment. If that is a finalizer
    or a callback of the garbage collector, Python prints the exception and continues as if nothing had happened.
    Therefore the step calls `check` whenever it makes progress.
    """

    def __init__(self) -> None:
        self._received = False
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
        """Raises DagsterExecutionInterruptedError if a signal was received."""
        if self._received:
            raise dg.DagsterExecutionInterruptedError

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._received = True
        before = self._before[signal.Signals(number)]
        if callable(before):
            before(number, frame)
