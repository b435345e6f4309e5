"""Ctrl-C, a termination and a closed terminal: a command ends in order, and its exit code says which of them it was."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_EXIT_BASE = 128  # as a shell counts the exit code of what a signal ended

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_received: list[int] = []  # the descriptor to read the numbers of received signals from
_handled: list[int] = []  # the numbers of those that the handler took: an event loop may have the descriptor's place
_instead: list[Callable[[], None]] = []


def catch_signals() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does: by KeyboardInterrupt, so that all blocks are left in order.

    A command that a shell began in the background does not get Ctrl-C, and still ends on SIGTERM: Dagster gives SIGTERM
    the handler of SIGINT, whatever that is, so that both get this one. While a run is under way, Dagster's own handler
    stands in its place; Python notes the number of the signal for any handler. What `nohup` began goes on.
    """
    if _received or threading.current_thread() is not threading.main_thread():
        return
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


@contextmanager
def interrupted_afterwards(instead: Callable[[], None]) -> Iterator[None]:
    """A block that no signal leaves in the middle: it calls `instead`, and KeyboardInterrupt is raised behind it."""
    before = len(_handled)
    _instead.append(instead)
    try:
        yield
    finally:
        _instead.pop()
    if len(_handled) > before:
        raise KeyboardInterrupt


def ignore_further_signals() -> None:
    """Let nothing but its own exit code end a command that has left all its blocks: Python ends without handlers."""
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
