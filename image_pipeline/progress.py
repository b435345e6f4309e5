"""Progress of long work, told to whoever listens: the command line draws a bar, a Dagster step writes its log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`done` of `total` images of `stage` are done, the last `newly` since the step before; first with 0 done."""

    stage: str
    done: int
    total: int
    newly: int


Listener = Callable[[Progress], None]

_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` at each step of the work that is done in the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class Counter:
    """Counts the images of a stage that are done, and tells the listeners."""

    def __init__(self, stage: str, total: int) -> None:
        self._stage, self._total, self._done = stage, total, 0
        self.advance(0)

    def advance(self, images: int = 1) -> None:
        """`images` more are done."""
        self._done += images
        for listener in tuple(_listeners):
            listener(Progress(self._stage, self._done, self._total, images))
