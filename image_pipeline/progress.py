"""Progress of long work, told to whoever listens: the command line draws a bar, a Dagster step writes its log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`done` of `total` images of `stage` are done, the last `newly` since the step before; first with 0 done.

    These are the images of one directory, or of several that share batches. Up to `ahead` more follow in directories
    of the same run: fewer, if some of them are known.
    """

    stage: str
    done: int
    total: int
    newly: int
    ahead: int = 0


Listener = Callable[[Progress], None]

_listeners: list[Listener] = []


def _nothing() -> int:
    return 0


_ahead: Callable[[], int] = _nothing


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` at each step of the work that is done in the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def expect(images: Callable[[], int] = _nothing) -> None:
    """From now on, up to so many images follow after those that are counted next."""
    global _ahead
    _ahead = images


class Counter:
    """Counts the images of a stage that are done, and reports them to the listeners."""

    def __init__(self, stage: str, total: int) -> None:
        self._stage, self._total, self._done = stage, total, 0
        self._ahead = _ahead()
        self.advance(0)

    def advance(self, images: int = 1) -> None:
        """`images` more are done."""
        self._done += images
        for listener in tuple(_listeners):
            listener(Progress(self._stage, self._done, self._total, images, self._ahead))
