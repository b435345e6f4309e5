"""Memory that the process of the models shares with one that receives requests, so that images are not sent again."""

import mmap
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from image_pipeline.services.waiting import BusyError

REGION_BYTES = 4 << 30
"""The bodies that one process may receive at a time. Memory that was never used takes no space."""

_KEPT_BYTES = 256 << 20
_PAGE = mmap.PAGESIZE
_RETRY_SECONDS = 1


def open_memory(length: int) -> int:
    """The descriptor of memory of `length` bytes without a name; the caller closes it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("image-pipeline", os.MFD_CLOEXEC)
    else:  # macOS
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, length)
    return descriptor


def bytes_of(descriptor: int, length: int) -> np.ndarray:
    """The memory behind a descriptor: uint8 `[length]`, which stays valid after the descriptor is closed."""
    return np.frombuffer(mmap.mmap(descriptor, length), np.uint8)


class Region:
    """Gives out parts of shared memory. A part is free again once everybody who holds it has let go of it."""

    def __init__(self, descriptor: int, length: int = REGION_BYTES) -> None:
        self._mapped = mmap.mmap(descriptor, length)
        self._bytes = np.frombuffer(self._mapped, np.uint8)
        self._base = self._bytes.ctypes.data
        self._parts: dict[int, tuple[int, int]] = {}  # by its beginning, in order: the end of a part, and its holders
        self._reached = 0
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, length: int) -> Iterator[memoryview]:
        """A part of `length` bytes, for the length of the block. Raises BusyError if there is none."""
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
            for start, (end, holders) in self._parts.items():
                if start <= first < end and images.flags.c_contiguous:
                    self._parts[start] = end, holders + 1
                    return start, first
        start = self._take(images.nbytes)
        self._bytes[start : start + images.nbytes].reshape(images.shape)[...] = images
        return start, start

    def let_go(self, start: int) -> None:
        """Let go of the part that begins at `start`."""
        with self._lock:
            end, holders = self._parts[start]
            if holders > 1:
                self._parts[start] = end, holders - 1
                return
            del self._parts[start]
            if not self._parts and self._reached > _KEPT_BYTES:
                if hasattr(mmap, "MADV_REMOVE"):
                    self._mapped.madvise(mmap.MADV_REMOVE, _KEPT_BYTES, self._reached - _KEPT_BYTES)
                self._reached = _KEPT_BYTES

    def _take(self, length: int) -> int:
        with self._lock:
            start = 0
            for begin, (end, _) in self._parts.items():
                if begin - start >= length:
                    break
                start = end
            end = start + max(1, -(-length // _PAGE)) * _PAGE
            if end > len(self._bytes):
                raise BusyError(_RETRY_SECONDS)
            self._parts = dict(sorted({**self._parts, start: (end, 1)}.items()))
            self._reached = max(self._reached, end)
            return start
