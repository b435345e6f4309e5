"""The images that wait for the models, counted by all processes that receive them."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from image_pipeline.errors import PipelineError

_MOST_RETRY_SECONDS = 60
_TAKEN, _ARRIVING = range(2)


class BusyError(PipelineError):
    """Too many images wait already; the caller may try again after `seconds`."""

    transient = True

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many images are waiting for the models: try again in {seconds} s.")
        self.seconds = seconds


class Waiting:
    """Counts the images of one process in a `row` of `table`, an int64 array `[processes, 2]` that processes can share.

    Each process writes its own row alone. Up to `most` images of all processes may wait; two processes that take
    images at the same moment may exceed that, each by one request.
    """

    def __init__(self, most: int, table: np.ndarray | None = None, row: int = 0) -> None:
        self._most = most
        self._table = np.zeros((1, 2), np.int64) if table is None else table
        self._own = self._table[row]
        self._lock = threading.Lock()
        self._rate = 0.0

    @property
    def images(self) -> int:
        """The number of images that were taken and are not finished."""
        return int(self._table[:, _TAKEN].sum())

    @property
    def expected(self) -> int:
        """The number of images that wait, and of requests that are being received: a batch may wait for them."""
        return int(self._table.sum())

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Count a request whose images are being received, while the block runs."""
        self._add(_ARRIVING, 1)
        try:
            yield
        finally:
            self._add(_ARRIVING, -1)

    @contextmanager
    def taking(self, images: int) -> Iterator[None]:
        """Count images as waiting while the block runs. Raises BusyError if too many wait already."""
        waiting = self.images
        if waiting and waiting + images > self._most:  # a request of any permitted size is taken if nothing waits
            raise BusyError(self._retry_seconds(waiting))
        self._add(_TAKEN, images)
        began = time.monotonic()
        try:
            yield
        finally:
            rate = self.images / max(time.monotonic() - began, 1e-3)
            self._rate = rate if not self._rate else 0.8 * self._rate + 0.2 * rate
            self._add(_TAKEN, -images)

    def reset(self, row: int) -> None:
        """Forget what a process that has ended had counted."""
        self._table[row] = 0

    def _add(self, kind: int, count: int) -> None:
        with self._lock:
            self._own[kind] += count

    def _retry_seconds(self, waiting: int) -> int:
        seconds = waiting / self._rate if self._rate else 1.0
        return max(1, min(_MOST_RETRY_SECONDS, math.ceil(seconds)))
