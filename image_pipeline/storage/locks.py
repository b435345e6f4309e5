"""Locks in the store: one process at a time, and whoever waits says for whom."""

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

_SILENT_SECONDS = 1.0
"""A wait that is shorter is not worth a word."""

_REPEAT_SECONDS = 10.0
"""A wait goes on with one process after the other: they are named no more often than this."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock: its id on `host`, what it was begun as, and since when (ISO 8601) it holds it."""

    pid: int
    host: str
    command: str
    since: str

    @classmethod
    def this_process(cls) -> "Holder":
        """This process, from now on."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), _command(), now)

    def __str__(self) -> str:
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        since = datetime.fromisoformat(self.since).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return f"process {self.pid}{where} ({self.command}) since {since}"


class StillHeldError(Exception):
    """Another process kept a lock for as long as this one could wait; the message names it, if it is known."""

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(_name(holder))


@contextmanager
def exclusive_lock(lock_file: Path, what: str, seconds: float | None = None) -> Iterator[None]:
    """Wait until no other process holds `lock_file`, and hold it for the length of the block.

    The kernel gives it back when its holder ends, however it ends. A wait of more than a second is logged, with the
    holder's name; `what` names what is waited for. Raises StoreError if the file cannot be made, and StillHeldError
    once `seconds` (None: no limit) are over.
    """
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file)
        _acquire(lock, lock_file, what, seconds)
    except OSError as error:
        raise _cannot_be_made(lock_file, error) from error
    try:
        _write(lock_file, json.dumps(asdict(Holder.this_process())))
        yield
    finally:
        _write(lock_file, "")
        lock.release()


def index_lock(store: Store) -> AbstractContextManager[None]:
    """The lock under which collection and ledger are brought up to date. Raises as `exclusive_lock` does."""
    return exclusive_lock(store.index_lock_file, f"the collection and the ledger of {store.home}")


@contextmanager
def page_open(store: Store) -> Iterator[int]:
    """Hold the store for a page, beside other pages, for the length of the block.

    Gives a descriptor: a process that inherits it holds the store, too, for as long as it lives. Raises StoreError if
    the store is being deleted or moved, or if the lock cannot be made.
    """
    try:
        descriptor = os.open(store.page_lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreError(f"The store {store.home} is being moved or deleted: begin again once that is over.") from error
    except OSError as error:
        raise _cannot_be_made(store.page_lock_file, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def holder_of(lock_file: Path) -> Holder | None:
    """The process that last said that it holds `lock_file`; None if none did, or if it is no more.

    Only the holder writes into the file, and clears it when it gives the lock back. What a killed process left there
    is overwritten by the next holder.
    """
    try:
        holder = Holder(**json.loads(lock_file.read_text()))
        datetime.fromisoformat(holder.since)
    except (OSError, ValueError, TypeError):  # not there, or half written at this moment
        return None
    return holder if _is_alive(holder) else None


def _acquire(lock: FileLock, lock_file: Path, what: str, seconds: float | None) -> None:
    ends_at = None if seconds is None else time.monotonic() + seconds
    said: Holder | None = None
    said_at: float | None = None
    while True:
        now = time.monotonic()
        try:
            lock.acquire(timeout=_SILENT_SECONDS if ends_at is None else max(0.0, min(_SILENT_SECONDS, ends_at - now)))
            return
        except Timeout as error:
            now = time.monotonic()
            holder = holder_of(lock_file)
            if ends_at is not None and now >= ends_at:
                raise StillHeldError(holder) from error
            is_news = said_at is None or (
                holder is not None and holder.pid != (said and said.pid) and now - said_at >= _REPEAT_SECONDS
            )
            if is_news:
                _log.warning("Waiting for %s: in use by %s.", what, _name(holder))
                said, said_at = holder, now


def _cannot_be_made(lock_file: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{lock_file} cannot be made ({error.strerror}): make room in the store, or set IMAGE_PIPELINE_HOME to a "
        "folder that can be written."
    )


def _name(holder: Holder | None) -> str:
    return "another process" if holder is None else str(holder)


def _write(lock_file: Path, text: str) -> None:
    with suppress(OSError):  # on a full disk, those who wait do not learn the holder's name
        descriptor = os.open(lock_file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


def _is_alive(holder: Holder) -> bool:
    if holder.host != socket.gethostname():
        return True  # nobody here can know
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        pass
    return True


def _command() -> str:
    """The program and its first word: further arguments may be secrets."""
    program = Path(sys.argv[0] or sys.executable)
    name = program.parent.name if program.name == "__main__.py" else program.name
    return " ".join([name, *[word for word in sys.argv[1:2] if not word.startswith("-")]])
