"""Queue of decode attempts: each file once, and once more if it was lost with its worker."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from image_pipeline.imaging.protocol import Request


@dataclass(frozen=True)
class Attempt:
    """A file to hand to a worker; `alone` means that no other file may be decoded at the same time."""

    key: str
    request: Request
    alone: bool = False


class AttemptQueue:
    """The files of one call to the pool; one request is drawn ahead.

    A worker killed from outside proves nothing about its file: when the machine is short of memory, the kernel may
    kill any process. So the file is tried once more, alone; if that worker is killed too, the file is the cause.
    """

    def __init__(self, requests: Iterator[tuple[str, Request]]) -> None:
        self._requests = requests
        self._again: deque[Attempt] = deque()
        self._draw()

    def next(self, in_hand: Collection[Attempt]) -> Attempt | None:
        """The attempt that may start while the files `in_hand` are being decoded, or None; confirm it with `taken`."""
        if any(attempt.alone for attempt in in_hand):
            return None
        if self._again:
            return None if self._again[0].alone and in_hand else self._again[0]
        return self._pending

    def taken(self, attempt: Attempt) -> None:
        """Confirm that a worker has accepted `attempt`, which `next` returned."""
        if self._again:
            self._again.popleft()
        else:
            self._draw()

    def return_unseen(self, attempt: Attempt) -> None:
        """Requeue a file whose worker died before it looked at the file."""
        self._again.appendleft(attempt)

    def retry_alone(self, attempt: Attempt) -> None:
        """Requeue a file whose worker was killed while decoding it: the file may not be the cause."""
        self._again.append(replace(attempt, alone=True))

    def _draw(self) -> None:
        drawn = next(self._requests, None)
        self._pending = Attempt(*drawn) if drawn else None
