"""Large thumbnails: made from the original when somebody looks at a picture, by worker processes."""

import hashlib
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self

from image_pipeline.errors import PipelineError
from image_pipeline.files.open_file import LibraryFile, open_below
from image_pipeline.files.status import FileStatus
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.thumbnail import LARGE_SIDE
from image_pipeline.storage.large_thumbnails import LargeThumbnails

MOST_WAITING = 64
"""Pictures that may wait for a worker process; a page shows one at a time, and fetches a few beside it."""

_BLOCK_BYTES = 1 << 18
_ENDING_SECONDS = 0.5


class NoOriginalError(PipelineError):
    """The original is not in the library, or no longer the one that was indexed."""


class NotDecodedError(PipelineError):
    """The original cannot be decoded now, although it could be when it was indexed."""


class ThumbnailsBusyError(PipelineError):
    """Too many pictures wait already."""

    transient = True


class LargeThumbnailMaker:
    """Makes large thumbnails with `processes` worker processes, for the length of a `with` block; several may ask.

    `files_of` returns the files that were indexed with a content, a SHA-256.
    """

    def __init__(
        self,
        thumbnails: LargeThumbnails,
        files_of: Callable[[str], Sequence[LibraryFile]],
        limits: DecodeLimits,
        processes: int,
    ) -> None:
        self.thumbnails, self._files_of, self._limits = thumbnails, files_of, limits
        self._lock = threading.Lock()
        self._making: dict[str, Future[Path]] = {}
        self._asked: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # a worker process ends with the thread that started it, so each thread has a pool of its own
        names = (f"large-thumbnail-{number}" for number in range(processes))
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give up what waits. What has begun may take half a minute: it ends with the process."""
        with self._lock:
            waiting = list(self._making.values())
        for making in waiting:
            making.cancel()
        for _ in self._threads:
            self._asked.put(None)
        ends_at = time.monotonic() + _ENDING_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, ends_at - time.monotonic()))

    def make(self, sha256: str) -> "Future[Path]":
        """The file of a picture's large thumbnail, which is made once for all who ask for it meanwhile.

        Raises ThumbnailsBusyError if too many wait. The future raises NoOriginalError, NotDecodedError, StoreError if
        it cannot be written, and as `files_of` does.
        """
        with self._lock:
            making = self._making.get(sha256)
            if making is None:
                if len(self._making) >= MOST_WAITING:
                    raise ThumbnailsBusyError("Too many pictures are waiting to be shown: try again in a few seconds.")
                making = self._making[sha256] = Future()
                self._asked.put(sha256)
        return making

    def _work(self) -> None:
        with WorkerPool(self._limits, 1) as pool:
            while (sha256 := self._asked.get()) is not None:
                with self._lock:
                    making = self._making[sha256]
                if making.set_running_or_notify_cancel():
                    try:
                        path = self._make(pool, sha256)
                    except Exception as error:
                        making.set_exception(error)
                    else:
                        making.set_result(path)
                with self._lock:
                    del self._making[sha256]

    def _make(self, pool: WorkerPool, sha256: str) -> Path:
        path = self.thumbnails.path(sha256)
        if path.exists():  # it was made between the question and now
            return path
        file = next((file for file in self._files_of(sha256) if _sha256(file) == sha256), None)
        if file is None:
            raise NoOriginalError("The original is not in the library, or has changed since it was indexed.")
        outcome = next(iter(pool.decode([DecodeTask(sha256, file, thumbnail=path, side=LARGE_SIDE)])))
        if isinstance(outcome, DecodeFailure):
            raise NotDecodedError(f"The original cannot be decoded now ({outcome.reason}: {outcome.message}).")
        self.thumbnails.added(path)
        return path


def _sha256(file: LibraryFile) -> str | None:
    """The hash of a file's content; None if it cannot be read, or has changed since its status was read.

    A thumbnail is kept under the hash of what it shows, so the file is hashed again: it may have been edited since it
    was indexed.
    """
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK_BYTES))
    try:
        with open(open_below(file.root, file.path), "rb", buffering=0) as opened:
            while read := opened.readinto(block):
                digest.update(block[:read])
            return digest.hexdigest() if FileStatus.of(os.fstat(opened.fileno())) == file.status else None
    except OSError:
        return None
