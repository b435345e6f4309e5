"""Locks in the store: a lock has one holder at a time, and a waiting process logs who it is."""

import fcntl
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from image_pipeline.errors import StoreError
from image_pipeline.storage.store import Store

SILENT_SECONDS = 1.0
"""Shorter waits are usually not logged."""

_POLL_SECONDS = 1.0

_QUEUE_POLL_SECONDS = 0.05
"""How often a process tries to be the next, in its first second; the longer it has waited, the more often."""

_REPEAT_SECONDS = 10.0
"""Minimum interval between log lines when a wait passes from one holder to the next."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock: its id on `host`, its command, and since when (ISO 8601) it holds the lock."""

    pid: int
    host: str
    command: str
    since: str

    @classmethod
    def this_process(cls) -> "Holder":
        """This process, as holder from now on."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), _command(), now)

    def __str__(self) -> str:
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        since = datetime.fromisoformat(self.since).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return f"process {self.pid}{where} ({self.command}) since {since}"


class StillHeldError(Exception):
    """Another process kept a lock for as long as this one could wait; the message names it if it is known."""

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(_name(holder))


@contextmanager
def exclusive_lock(
    lock_file: Path,
    what: str,
    seconds: float | None = None,
    silent_seconds: float = SILENT_SECONDS,
    queue_file: Path | None = None,
) -> Iterator[None]:
    """Wait until no other process holds `lock_file`, then hold it for the length of the block.

    The kernel releases the lock when its holder ends, however it ends. A wait of more than `silent_seconds` is logged
    with `what`, which describes the locked thing, and the holder. With `queue_file`, the process that holds that one is
    the next: a process that releases the lock cannot take it again before one that waits. Raises StoreError if a file
    cannot be created, and StillHeldError after `seconds` (None: no limit).
    """
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file, thread_local=False)  # the thread that ends the block may be a different one
        queue = None if queue_file is None else FileLock(queue_file, thread_local=False)
        try:
            _acquire(lock, queue, lock_file, what, seconds, silent_seconds)
        finally:
            if queue is not None:
                queue.release(force=True)
    except OSError as error:
        raise _cannot_be_made(lock_file, error) from error
    try:
        _write(lock_file, json.dumps(asdict(Holder.this_process())))
        yield
    finally:
        _write(lock_file, "")
        lock.release()


def index_lock(store: Store) -> AbstractContextManager[None]:
    """The lock for changing the collection and the ledger. Raises as `exclusive_lock` does."""
    return exclusive_lock(store.index_lock_file, f"the collection and the ledger of {store.home}")


@contextmanager
def page_open(store: Store) -> Iterator[int]:
    """Hold the store for a page for the length of the block; several pages may hold it together.

    Yields a descriptor: a process that inherits it also holds the store, for as long as it lives. Raises StoreError if
    the store is being deleted or moved, or if the lock cannot be created.
    """
    try:
        descriptor = os.open(store.page_lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreError(f"The store {store.home} is being moved or deleted: try again when that is done.") from error
    except OSError as error:
        raise _cannot_be_made(store.page_lock_file, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def holder_of(lock_file: Path) -> Holder | None:
    """The process that last recorded itself as the holder of `lock_file`; None if there is none, or if it has ended.

    Only the holder writes to the file, and clears it on releasing the lock. What a killed process left there is
    overwritten by the next holder.
    """
    try:
        holder = Holder(**json.loads(lock_file.read_text()))
        datetime.fromisoformat(holder.since)
    except (OSError, ValueError, TypeError):  # it does not exist, or is being written
        return None
    return holder if _is_alive(holder) else None


def _acquire(
    lock: FileLock, queue: FileLock | None, lock_file: Path, what: str, seconds: float | None, silent_seconds: float
) -> None:
    began = time.monotonic()
    ends_at = None if seconds is None else began + seconds
    said: Holder | None = None
    said_at: float | None = None
    while True:
        now = time.monotonic()
        try:
            timeout = _POLL_SECONDS if ends_at is None else max(0.0, min(_POLL_SECONDS, ends_at - now))
            if queue is not None and not queue.is_locked:
                queue.acquire(timeout=timeout, poll_interval=_QUEUE_POLL_SECONDS / (1 + now - began))
                timeout = max(0.0, timeout - (time.monotonic() - now))
            lock.acquire(timeout=timeout)
            return
        except Timeout as error:
            now = time.monotonic()
            holder = holder_of(lock_file)
            if ends_at is not None and now >= ends_at:
                raise StillHeldError(holder) from error
            if now - began < silent_seconds:
                continue
            is_news = said_at is None or (
                holder is not None and holder.pid != (said and said.pid) and now - said_at >= _REPEAT_SECONDS
            )
            if is_news:
                _log.warning("Waiting for %s: in use by %s.", what, _name(holder))
                said, said_at = holder, now


def _cannot_be_made(lock_file: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{lock_file} cannot be created ({error.strerror}): make room in the store, or set IMAGE_PIPELINE_HOME to a "
        "writable folder."
    )


def _name(holder: Holder | None) -> str:
    return "another process" if holder is None else str(holder)


def _write(lock_file: Path, text: str) -> None:
    with suppress(OSError):  # on a full disk, waiting processes cannot name the holder
        descriptor = os.open(lock_file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


def _is_alive(holder: Holder) -> bool:
    if holder.host != socket.gethostname():
        return True  # this cannot be checked from here
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user
        pass
    return True


def _command() -> str:
    """The program and its first argument, unless that is an option: further arguments may be secrets."""
    program = Path(sys.argv[0] or sys.executable)
    name = program.parent.name if program.name == "__main__.py" else program.name
    return " ".join([name, *[word for word in sys.argv[1:2] if not word.startswith("-")]])
