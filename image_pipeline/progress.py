"""Progress of long work, reported to listeners: the command line draws a bar, a Dagster step writes to its log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`done` of `total` images of `stage` are done, `newly` of them since the last report; the first report has 0.

    These are the images of one directory, or of several that share batches. Up to `ahead` more follow in other
    directories of the same run, fewer if some of them are already cached.
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
    """Call `listener` at each step of the work in the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def expect(images: Callable[[], int] = _nothing) -> None:
    """Let later counters report that up to `images()` further images follow."""
    global _ahead
    _ahead = images


class Counter:
    """Counts the finished images of a stage, and reports them to the listeners."""

    def __init__(self, stage: str, total: int) -> None:
        self._stage, self._total, self._done = stage, total, 0
        self._ahead = _ahead()
        self.advance(0)

    def advance(self, images: int = 1) -> None:
        """Report that `images` more are done."""
        self._done += images
        for listener in tuple(_listeners):
            listener(Progress(self._stage, self._done, self._total, images, self._ahead))
