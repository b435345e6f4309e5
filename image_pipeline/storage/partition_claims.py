"""The partitions that a run has for itself: of two runs over the same directory, the second waits for the first.

Each stage writes a table for the next one to read. If another run replaced one of them in between, the tables would be
of different moments, and what they tell would fit no file on disk.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from image_pipeline.errors import StoreError
from image_pipeline.storage.store import Store

_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 1.0
_OWNER_BYTES = 200

_log = logging.getLogger(__name__)


class PartitionClaims:
    """Claims on partitions, by their keys; a context manager that gives them back.

    A claim is a lock of the kernel's, which ends with its process, however that ends.
    """

    def __init__(self, store: Store, owner: str) -> None:
        """`owner` is what others are told of who has a partition that they wait for."""
        self._store, self._owner = store, owner
        self._held: dict[Path, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file, descriptor in self._held.items():
            file.unlink(missing_ok=True)
            os.close(descriptor)
        self._held.clear()

    def has(self, partition_keys: Iterable[str]) -> bool:
        """Whether all of these partitions were taken."""
        return all(self._store.claim_file(key) in self._held for key in partition_keys)

    def take(self, partition_keys: Iterable[str]) -> None:
        """Wait until nobody else has one of `partition_keys`, and have them all from then on.

        They are taken in one order by everybody, so that no two wait for each other. A wait of more than a second is
        logged, once, with who has what is waited for. Raises StoreError if the store cannot be written.
        """
        wanted = {self._store.claim_file(key): key for key in partition_keys}
        told = False
        for file in sorted(wanted.keys() - self._held.keys()):
            began = time.monotonic()
            try:
                while (descriptor := _try(file, self._owner)) is None:
                    if not told and time.monotonic() - began >= _PATIENCE_SECONDS:
                        _log.warning("Waiting for the directory %s: in use by %s.", wanted[file], _owner(file))
                        told = True
                    time.sleep(_LOOK_SECONDS)
            except OSError as error:
                raise StoreError(
                    f"{file} cannot be made ({error.strerror}): make room in the store, or set IMAGE_PIPELINE_HOME to "
                    "a folder that can be written."
                ) from error
            self._held[file] = descriptor


def _try(file: Path, owner: str) -> int | None:
    """The descriptor of a file that is claimed now; None where somebody else has it. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            with suppress(OSError):  # a full disk: others wait as well without the name
                os.ftruncate(descriptor, 0)
                os.write(descriptor, owner.encode())
            return descriptor
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)  # another's, or one that its holder deleted when it gave it back
    return None


def _owner(file: Path) -> str:
    try:
        return file.read_bytes()[:_OWNER_BYTES].decode(errors="replace") or "another process"
    except OSError:
        return "another process"
