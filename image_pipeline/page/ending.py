"""How the page ends when it is told to: without a stack trace, and with the exit code that says which signal it was."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class _Ended(BaseException):
    """A signal told this process to end. No `Exception`, which much code would take for a failure of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """For the length of the block, Ctrl-C, a termination and a closed terminal end the process, once the block is left.

    A script that begins a program with `&` lets it ignore SIGINT, and Dagster would then take SIGTERM for SIGINT: the
    page could be ended by SIGKILL alone. What `nohup` begins still outlives its terminal.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, _end) for number in numbers}
    try:
        yield
    except _Ended as ended:
        sys.exit(128 + ended.number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise _Ended(number)
