"""Memory that the process of the models shares with one that receives requests, so that images are not sent again."""

import mmap
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from image_pipeline.services.waiting import BusyError

REGION_BYTES = 4 << 30
"""The bodies that one process may receive at a time. Memory that was never used takes no space."""

KEPT_BYTES = 128 << 20
"""Memory that was used is given back beyond this: taking it anew takes as long as a copy."""

_RETRY_SECONDS = 1


def open_memory(length: int) -> int:
    """The descriptor of memory of `length` bytes without a name; the caller closes it. Raises OSError."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("image-pipeline", os.MFD_CLOEXEC)
    else:  # macOS: a deleted file, which takes space on the disk until the end
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, length)
    return descriptor


def bytes_of(descriptor: int, length: int) -> np.ndarray:
    """The memory behind a descriptor: uint8 `[length]`, which stays valid after the descriptor is closed."""
    return np.frombuffer(mmap.mmap(descriptor, length), np.uint8)


@dataclass
class _Part:
    start: int
    end: int
    holders: int = 1


class Region:
    """Gives out parts of shared memory. A part is free again once everybody who holds it has let go of it."""

    def __init__(self, descriptor: int, length: int = REGION_BYTES) -> None:
        self._mapped = mmap.mmap(descriptor, length)
        self._bytes = np.frombuffer(self._mapped, np.uint8)
        self._base = self._bytes.ctypes.data
        self._parts: list[_Part] = []  # in the order of their places
        self._reached = 0
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, length: int) -> Iterator[memoryview]:
        """A part of `length` bytes, while the block runs. Raises BusyError if there is none."""
        start = self._take(length)
        try:
            yield self._bytes[start : start + length].data
        finally:
            self.let_go(start)

    def hold(self, images: np.ndarray) -> tuple[int, int]:
        """Hold the part in which `images` are, or a new one with a copy of them: its beginning, and that of the images.

        Raises BusyError if there is no space.
        """
        first = images.ctypes.data - self._base
        with self._lock:
            for part in self._parts:
                if part.start <= first < part.end and images.flags.c_contiguous:
                    part.holders += 1
                    return part.start, first
        start = self._take(images.nbytes)
        self._bytes[start : start + images.nbytes].reshape(images.shape)[...] = images
        return start, start

    def let_go(self, start: int) -> None:
        """Let go of the part that begins at `start`."""
        with self._lock:
            part = next(one for one in self._parts if one.start == start)
            part.holders -= 1
            if part.holders == 0:
                self._parts.remove(part)
                self._give_back()

    def _take(self, length: int) -> int:
        pages = max(1, -(-length // mmap.PAGESIZE))  # a part without bytes would not keep its place
        size = pages * mmap.PAGESIZE
        with self._lock:
            start = 0
            for part in self._parts:
                if part.start - start >= size:
                    break
                start = part.end
            if start + size > len(self._bytes):
                raise BusyError(_RETRY_SECONDS)
            self._parts.append(_Part(start, start + size))
            self._parts.sort(key=lambda part: part.start)
            self._reached = max(self._reached, start + size)
            return start

    def _give_back(self) -> None:
        """Give the memory behind the last part back to the system, if it is much."""
        end = max(KEPT_BYTES, self._parts[-1].end if self._parts else 0)
        if self._reached - end > KEPT_BYTES or (not self._parts and self._reached > end):
            with suppress(OSError):  # it is only not given back
                if hasattr(mmap, "MADV_REMOVE"):
                    self._mapped.madvise(mmap.MADV_REMOVE, end, self._reached - end)
            self._reached = end
