"""Which file a worker gets next: each once, and those that were lost with a worker once more."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from image_pipeline.imaging.protocol import Request


@dataclass(frozen=True)
class Attempt:
    """A file to be handed to a worker; `alone` where no other file may be in hand beside it."""

    key: str
    request: Request
    alone: bool = False


class AttemptQueue:
    """The files of one call of the pool, drawn on one ahead.

    A worker that was killed from outside tells nothing of its file: the kernel kills when the machine is short of
    memory, and picks any process. So the file is tried once more, alone; if that ends in the same way, it was the
    file.
    """

    def __init__(self, requests: Iterator[tuple[str, Request]]) -> None:
        self._requests = requests
        self._again: deque[Attempt] = deque()
        self._draw()

    def next(self, in_hand: Collection[Attempt]) -> Attempt | None:
        """What may be begun while the files `in_hand` are being decoded, None when there is nothing. To be `taken`."""
        if any(attempt.alone for attempt in in_hand):
            return None
        if self._again:
            return None if self._again[0].alone and in_hand else self._again[0]
        return self._pending

    def taken(self, attempt: Attempt) -> None:
        """A worker has `attempt`, which was the next one, in hand."""
        if self._again:
            self._again.popleft()
        else:
            self._draw()

    def return_unseen(self, attempt: Attempt) -> None:
        """The worker died before it looked at the file."""
        self._again.appendleft(attempt)

    def retry_alone(self, attempt: Attempt) -> None:
        """The worker was killed with the file in hand, and perhaps not by its fault."""
        self._again.append(replace(attempt, alone=True))

    def _draw(self) -> None:
        drawn = next(self._requests, None)
        self._pending = Attempt(*drawn) if drawn else None
