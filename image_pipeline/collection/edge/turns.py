"""Turns of processes with a resource that one process at a time can have open, and who give way to each other.

Waiting processes hold a shared lock on a second file, beside the lock of the owner. That is how the owner sees that
somebody waits. One of them holds a third lock, and is the next: so that none is left out, however many there are. The
kernel takes all locks away from a process that ends, however it ends.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Generic, TypeVar

from image_pipeline.storage.locks import SILENT_SECONDS, exclusive_lock

BUSY_SECONDS = 1.0
"""An owner that is busy gives way after this time: if it did so sooner, most of the time would be spent on opening."""

IDLE_SECONDS = 0.1
"""An owner that has not used the resource for this time gives way immediately."""

_WATCH_SECONDS = 0.05
_EXPECTED_SECONDS = 10.0  # a process that gave way for a search waits that long without a word

_HANDOVER_SECONDS = 0.3  # a waiting process tries to take the lock every 0.05 s

Resource = TypeVar("Resource")

_log = logging.getLogger(__name__)


class Turns(Generic[Resource]):
    """This process's turns with one resource; its threads use it one after the other.

    A turn begins with the first use, which opens the resource, and ends when a different process waits, or with `end`.
    """

    def __init__(
        self,
        lock_file: Path,
        what: str,
        seconds: float,
        open_resource: Callable[[], Resource],
        close_resource: Callable[[Resource], None],
    ) -> None:
        """`what` describes the resource to people who wait for it, `seconds` is the longest wait."""
        self._lock_file, self._what, self._seconds = lock_file, what, seconds
        self._open, self._close = open_resource, close_resource
        self._mine = threading.RLock()
        self._turn: _Turn[Resource] | None = None
        self._gave_way = False

    @contextmanager
    def use(self) -> Iterator[Resource]:
        """The open resource, for the length of the block; then gives way if the turn has lasted long enough.

        Raises StillHeldError if a different process keeps it for too long, StoreError if the locks cannot be created,
        and what opening the resource raises.
        """
        with self._mine:
            turn = self._turn = self._turn or self._begin()
            turn.uses += 1
            try:
                yield turn.resource
            finally:
                turn.uses -= 1
                turn.used_at = time.monotonic()
                is_long = turn.uses == 0 and turn.used_at - turn.began >= BUSY_SECONDS
                if is_long and is_wanted(wanted_file(self._lock_file)):
                    self._give_way()

    def end(self) -> None:
        """End the turn, if there is one."""
        with self._mine:
            turn, self._turn = self._turn, None
            if turn is not None:
                turn.kept.close()

    def _begin(self) -> "_Turn[Resource]":
        wanted = wanted_file(self._lock_file)
        silent_seconds = SILENT_SECONDS
        if self._gave_way:  # the others first
            self._gave_way, silent_seconds = False, _EXPECTED_SECONDS
            ends_at = time.monotonic() + _HANDOVER_SECONDS
            while time.monotonic() < ends_at and is_wanted(wanted):
                time.sleep(_WATCH_SECONDS / 5)
        with ExitStack() as kept:
            with waiting(wanted):
                queue = self._lock_file.with_suffix(".next")
                lock = exclusive_lock(self._lock_file, self._what, self._seconds, silent_seconds, queue)
                kept.enter_context(lock)
            resource = self._open()
            kept.callback(self._close, resource)
            turn = _Turn(resource, kept.pop_all())
        watch = threading.Thread(target=self._watch, args=(turn,), name="turns", daemon=True)
        turn.kept.callback(turn.is_over.set)
        watch.start()
        return turn

    def _watch(self, turn: "_Turn[Resource]") -> None:
        """Give way while the resource is idle."""
        wanted = wanted_file(self._lock_file)
        while not turn.is_over.wait(_WATCH_SECONDS):
            if time.monotonic() - turn.used_at < IDLE_SECONDS or not is_wanted(wanted):
                continue
            if self._mine.acquire(blocking=False):
                try:
                    if self._turn is turn and time.monotonic() - turn.used_at >= IDLE_SECONDS:
                        self._give_way()
                except Exception:  # the lock is released all the same
                    _log.warning("Closing %s failed.", self._what, exc_info=True)
                finally:
                    self._mine.release()

    def _give_way(self) -> None:
        self._gave_way = True
        self.end()


class _Turn(Generic[Resource]):
    """A turn: the open resource, and what closes it and releases the lock."""

    def __init__(self, resource: Resource, kept: ExitStack) -> None:
        self.resource, self.kept = resource, kept
        self.uses = 0
        self.began = self.used_at = time.monotonic()
        self.is_over = threading.Event()


def wanted_file(lock_file: Path) -> Path:
    """The file that processes lock while they wait for `lock_file`."""
    return lock_file.with_suffix(".wanted")


def is_wanted(file: Path) -> bool:
    """Whether a process is waiting."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # nobody has ever waited
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def waiting(file: Path) -> Iterator[None]:
    """Be seen as waiting for the length of the block; unseen if the file cannot be created, as on a full disk."""
    with ExitStack() as kept:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            kept.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
