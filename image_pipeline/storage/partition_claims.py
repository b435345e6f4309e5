"""Claims on partitions: of two runs over the same directory, the second waits for the first.

Each stage writes a table for the next one to read. If another run replaced one of them in between, the tables would
come from different runs and would not match the files on disk.
"""

import fcntl
import hashlib
import json
import logging
import os
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from image_pipeline.errors import StoreError
from image_pipeline.storage.store import Store

_SCAN_SECONDS = 0.05
_PATIENCE_SECONDS = 1.0
_FLOCK = "hhqqi4x"
"""The system's `struct flock`: type, whence, start, length, process."""

_TO_THE_END = 0
"""In a `struct flock`, the length of a lock without an end."""

_log = logging.getLogger(__name__)


class PartitionClaims:
    """Claims on partitions by key; as a context manager, it releases them at the end.

    A claim is a lock on one byte of a file, at an offset computed from the key (`F_OFD_SETLK` in fcntl(2)), so that a
    thousand partitions need no more open files than one. The kernel releases it when its process ends, however it ends.
    """

    def __init__(self, store: Store, run_id: str | None = None) -> None:
        """`run_id` is the run that works on the partitions; its file in the store lists them for waiting processes."""
        self._store, self._run_id = store, run_id
        self._descriptor: int | None = None
        self._held: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
        self._held.clear()

    def has(self, partition_keys: Iterable[str]) -> bool:
        """Whether this object has claimed all of these partitions."""
        return self._held.issuperset(partition_keys)

    def take(self, partition_keys: Iterable[str]) -> None:
        """Wait until no other process has a claim on any of `partition_keys`, and claim them all.

        Every process claims them in the same order, so that no two wait for each other. A wait of more than a second is
        logged once, with the holder. Raises StoreError if the store cannot be written.
        """
        wanted = {_place(key): key for key in set(partition_keys) - self._held}
        began, said = time.monotonic(), False
        try:
            if self._descriptor is None:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                self._descriptor = os.open(self._store.partitions_lock_file, flags, 0o600)
            for place in sorted(wanted):
                while not _lock(self._descriptor, place):
                    if not said and time.monotonic() - began >= _PATIENCE_SECONDS:
                        key, said = wanted[place], True
                        _log.warning("Waiting for the directory %s: in use by %s.", key, _holder(self._store, key))
                    time.sleep(_SCAN_SECONDS)
        except OSError as error:
            raise StoreError(
                f"{self._store.partitions_lock_file} cannot be used ({error.strerror}): make room in the store, or set "
                "IMAGE_PIPELINE_HOME to a writable folder."
            ) from error
        self._held.update(wanted.values())
        self._tell()

    def _tell(self) -> None:
        if self._run_id is not None:
            with suppress(OSError):  # on a full disk, waiting processes cannot name the holder
                note = {"process": os.getpid(), "partitions": sorted(self._held)}
                # never created here: an unclaimed file would mean that the run is dead
                file = os.open(self._store.runs_directory / self._run_id, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
                with open(file, "w", encoding="utf-8") as text:
                    json.dump(note, text)


@contextmanager
def all_partitions(store: Store) -> Iterator[bool]:
    """Claim all partitions for the length of the block; yields False if another process has claimed one of them."""
    try:
        descriptor = os.open(store.partitions_lock_file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # no partition was ever claimed
        yield True
        return
    try:
        yield _lock(descriptor, 0, _TO_THE_END)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, place: int, length: int = 1) -> bool:
    """Lock bytes from an offset on; False if another process has locked one of them. Raises OSError."""
    try:
        lock = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, place, length, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, depending on the system
        return False
    return True


def _place(key: str) -> int:
    """The offset of a key's byte, below 2⁶². Two keys hardly ever share one; if they do, one waits without need."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) >> 2


def _holder(store: Store, key: str) -> str:
    with suppress(OSError):
        for file in store.runs_directory.iterdir():
            with suppress(OSError, ValueError, KeyError, TypeError):
                note = json.loads(file.read_text())
                if key in note["partitions"] and Path(f"/proc/{note['process']}").exists():
                    return f"the run {file.name[:8]} (process {note['process']})"
    return "another process"
