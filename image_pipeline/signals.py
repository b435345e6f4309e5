"""Signals: Ctrl-C, SIGTERM and SIGHUP end a command in order, and its exit code shows which of them it was."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SOON = 0.05
_EXIT_BASE = 128  # a shell reports 128 plus the signal's number

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_received: list[int] = []  # the descriptor from which the numbers of received signals are read
_handled: list[int] = []  # the numbers of signals that the handler received: an event loop may replace the descriptor
_instead: list[Callable[[], None]] = []
_repeated: list[signal.Signals] = []  # the signal that repeats a lost interruption, once that is set up


def catch_signals() -> None:
    """Make SIGTERM and SIGHUP end a command as Ctrl-C does: by KeyboardInterrupt, so that all blocks are left in order.

    A command that a shell started in the background ignores Ctrl-C, but still ends on SIGTERM. It needs this handler
    for both signals, since Dagster gives SIGTERM the handler of SIGINT. During a run, Dagster's own handler takes its
    place; Python records the number of the signal in either case. A command started with `nohup` ignores SIGHUP.
    """
    if _received or threading.current_thread() is not threading.main_thread():
        return
    repeat_lost_interruptions()
    is_in_background = signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    def end(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and is_in_background:
            return
        _handled.append(number)
        if not _instead:
            raise KeyboardInterrupt
        _instead[-1]()

    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _received.append(reading)
    for number in _ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def repeat_lost_interruptions() -> None:
    """Interrupt this process again soon if an interruption was lost.

    Python reports an exception in a destructor, or in a callback of a weak reference, and goes on. If a signal arrives
    there, its exception, which is no Exception, would end nothing: neither KeyboardInterrupt nor that of Dagster.
    """
    if _repeated:
        return
    report = sys.unraisablehook
    number = signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if isinstance(unraisable.exc_value, Exception | GeneratorExit | SystemExit | None):
            report(unraisable)
            return
        repeating = threading.Timer(_SOON, os.kill, (os.getpid(), number))  # by then the callback has ended
        repeating.daemon = True
        repeating.start()

    sys.unraisablehook = hook
    _repeated.append(number)


@contextmanager
def interrupted_afterwards(instead: Callable[[], None]) -> Iterator[None]:
    """A block that no signal interrupts: a signal calls `instead`, and KeyboardInterrupt is raised after the block."""
    before = len(_handled)
    _instead.append(instead)
    try:
        yield
    finally:
        _instead.pop()
    if len(_handled) > before:
        raise KeyboardInterrupt


def ignore_further_signals() -> None:
    """Ignore signals once a command has left all its blocks, so that its exit code stays the same.

    While Python shuts down, it restores the default handlers, and a signal would kill the process.
    """
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


def interrupted_exit_code() -> int:
    """130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    numbers = b""
    for descriptor in _received:
        with suppress(BlockingIOError):
            numbers = os.read(descriptor, 4096)
    came = [*_handled, *numbers]
    return _EXIT_BASE + next((number for number in came if number in _ENDING), signal.SIGINT)
