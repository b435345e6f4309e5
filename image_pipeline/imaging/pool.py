"""Decoding in worker processes: a file that crashes or hangs a decoder, or exhausts its memory, harms no other file."""

import os
import selectors
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from image_pipeline.errors import StoreError
from image_pipeline.imaging.attempts import Attempt, AttemptQueue
from image_pipeline.imaging.protocol import (
    Decoded,
    DecodeRequest,
    MetadataRequest,
    NotWritten,
    Rejected,
    Reply,
    Request,
    RowTarget,
    SidecarRequest,
    as_named,
    path_bytes,
)
from image_pipeline.imaging.source_file import ImagePath
from image_pipeline.imaging.worker_process import Lost, WorkerProcess, WorkerStartError
from image_pipeline.schema.image_metadata import ImageMetadata, SidecarMetadata
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import DecodePath, Reason
from image_pipeline.schema.thumbnail import STORE_SIDE
from image_pipeline.storage.tensors import TensorFile

_MOST_FAILED_STARTS = 3
_MOMENT_SECONDS = 1.0


@dataclass(frozen=True)
class DecodeTask:
    """Decode the file at `path` into row `row` of every output (None: into none), and write its thumbnail to a path.

    `key` identifies the task in its outcome. The thumbnail's directory is created if it is missing; `side` is the most
    that its longer side may have, in pixels.
    """

    key: str
    path: ImagePath
    row: int | None = None
    thumbnail: Path | None = None
    side: int = STORE_SIDE


@dataclass(frozen=True)
class DecodeOutcome:
    """The rows and the thumbnail were written.

    `width` and `height` are the full picture's, as displayed. `damaged` says how much of a damaged picture is missing;
    None if nothing is. `digests` are those of the arrays, in the order of the outputs: BLAKE2b of 16 bytes, as 32 hex
    digits.
    """

    key: str
    width: int
    height: int
    decode_path: DecodePath
    damaged: str | None = None
    digests: tuple[str, ...] = ()


@dataclass(frozen=True)
class DecodeFailure:
    """The file could not be decoded; the content of its row is undefined."""

    key: str
    reason: Reason
    message: str


@dataclass(frozen=True)
class MetadataTask:
    """Read the metadata of the file at `path`."""

    key: str
    path: ImagePath


@dataclass(frozen=True)
class MetadataOutcome:
    """The metadata of a file; if the file could not be read, it is empty, with a `reason` and a `message`."""

    key: str
    metadata: ImageMetadata
    reason: Reason | None = None
    message: str = ""


@dataclass(frozen=True)
class SidecarOutcome:
    """The metadata in a sidecar; if it could not be read, it is empty, with a `reason` and a `message`."""

    key: str
    sidecar: SidecarMetadata
    reason: Reason | None = None
    message: str = ""


class WorkerPool:
    """One worker process per CPU, started on demand, each with one file at a time.

    A worker that dies is replaced; a file whose worker was killed from outside is tried once more, alone. Use the pool
    as a context manager, from one thread, and for one call at a time: on Linux, the workers end with the thread that
    started them.
    """

    def __init__(self, limits: DecodeLimits | None = None, workers: int | None = None) -> None:
        self._limits = limits or DecodeLimits()
        self._most = workers or _cores()
        self._workers: list[WorkerProcess] = []
        self._in_hand: dict[WorkerProcess, Attempt] = {}
        self._failed_starts = 0
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        for worker in list(self._workers):
            self._discard(worker)
        self._selector.close()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The process ids of the running workers."""
        return tuple(worker.pid for worker in self._workers)

    def decode(
        self, tasks: Iterable[DecodeTask], outputs: Sequence[TensorFile] = (), digested: Sequence[InputSpec] = ()
    ) -> Iterator[DecodeOutcome | DecodeFailure]:
        """Decode each task's file once, for all of `outputs`; outcomes are yielded as they are ready, in any order.

        If a task has no row, nothing is written, and its outcome has the digests for the specifications `digested`.
        `tasks` is consumed only as workers become free. Leaving the iterator early stops the decodes in progress.

        Raises StoreError if an output or thumbnail cannot be written, and WorkerStartError if no worker starts.
        """
        requests = ((task.key, _decode_request(task, outputs, digested)) for task in tasks)
        for key, reply in self._replies(requests):
            match reply:
                case Decoded():
                    yield DecodeOutcome(key, reply.width, reply.height, reply.decode_path, reply.damaged, reply.digests)
                case Rejected():
                    yield DecodeFailure(key, reply.reason, reply.message)
                case NotWritten():
                    raise StoreError(f"A decoded image could not be stored ({reply.message}): check the store's disk.")

    def read_metadata(self, tasks: Iterable[MetadataTask]) -> Iterator[MetadataOutcome]:
        """Read each task's metadata; outcomes are yielded as they are ready, in any order.

        A file that kills its worker or takes too long has empty metadata. Raises WorkerStartError if no worker starts.
        """
        requests = ((task.key, MetadataRequest(as_named(task.path))) for task in tasks)
        for key, reply in self._replies(requests):
            match reply:
                case ImageMetadata():
                    yield MetadataOutcome(key, reply)
                case Rejected():
                    yield MetadataOutcome(key, ImageMetadata(), reply.reason, reply.message)

    def read_sidecars(self, tasks: Iterable[MetadataTask]) -> Iterator[SidecarOutcome]:
        """Read the metadata in each task's file, which is a sidecar; everything else is as for `read_metadata`."""
        requests = ((task.key, SidecarRequest(as_named(task.path))) for task in tasks)
        for key, reply in self._replies(requests):
            match reply:
                case SidecarMetadata():
                    yield SidecarOutcome(key, reply)
                case Rejected():
                    yield SidecarOutcome(key, SidecarMetadata(ImageMetadata()), reply.reason, reply.message)

    def _replies(self, requests: Iterator[tuple[str, Request]]) -> Iterator[tuple[str, Reply]]:
        finished: deque[tuple[str, Reply]] = deque()
        queue = AttemptQueue(requests)
        try:
            while True:
                self._hand_out(queue)
                if finished:
                    yield finished.popleft()
                elif self._in_hand:
                    finished.extend(self._wait(queue))
                else:
                    return
        finally:
            for worker in list(self._in_hand):
                self._discard(worker)

    def _hand_out(self, queue: AttemptQueue) -> None:
        while (attempt := queue.next(self._in_hand.values())) is not None:
            worker = self._idle_worker()
            if worker is None:
                return
            if worker.take(attempt.request):
                self._in_hand[worker] = attempt
                queue.taken(attempt)
            else:
                self._discard(worker)  # it died while idle: no file is to blame

    def _idle_worker(self) -> WorkerProcess | None:
        for worker in list(self._workers):
            if worker not in self._in_hand:
                if worker.is_alive:
                    return worker
                self._discard(worker)
        if len(self._workers) == self._most:
            return None
        worker = WorkerProcess(self._limits)
        self._workers.append(worker)
        self._selector.register(worker, selectors.EVENT_READ)
        return worker

    def _wait(self, queue: AttemptQueue) -> Iterator[tuple[str, Reply]]:
        """Wait briefly; yield the replies, end workers whose time is up, and return lost files to `queue`."""
        moment = min(_MOMENT_SECONDS, max(0.0, min(worker.seconds_left for worker in self._workers)))
        began = time.monotonic()
        readable = [key.fileobj for key, _ in self._selector.select(moment)]
        # No file is to blame for what took longer: all processes were stopped (Ctrl-Z, a paused machine) or starved.
        waited = min(moment, time.monotonic() - began)
        for worker in self._workers:
            worker.count_waiting(waited)
        for worker in list(self._workers):
            attempt = self._in_hand.get(worker)
            if worker in readable:
                # Read replies before checking the time left, which a reply resets.
                reply = worker.receive()
                if reply is not None:
                    self._in_hand.pop(worker, None)
                # A worker that died while decoding may have sent a message first: its death is still to be read.
                if not worker.is_alive and worker not in self._in_hand:
                    self._discard(worker)
            elif worker.seconds_left <= 0:
                reply = worker.expire()
                self._discard(worker)
            else:
                continue
            if isinstance(reply, Lost):
                rejected = self._after_loss(queue, attempt, reply)
                if attempt is not None and rejected is not None:
                    yield attempt.key, rejected
            elif attempt is not None and reply is not None:
                self._failed_starts = 0
                yield attempt.key, reply

    def _after_loss(self, queue: AttemptQueue, attempt: Attempt | None, loss: Lost) -> Rejected | None:
        """Requeue the file of a lost worker; reject it if it was lost for the second time."""
        if not loss.started:
            self._failed_starts += 1
            if self._failed_starts >= _MOST_FAILED_STARTS:
                raise WorkerStartError(loss.message)
        if attempt is None:
            return None
        if not loss.started:
            queue.return_unseen(attempt)
        elif attempt.alone:
            return Rejected(
                Reason.DECODER_CRASHED, f"{loss.message} for the second time, with no other file being decoded"
            )
        else:
            queue.retry_alone(attempt)
        return None

    def _discard(self, worker: WorkerProcess) -> None:
        self._in_hand.pop(worker, None)
        self._workers.remove(worker)
        self._selector.unregister(worker)
        worker.end()


def _decode_request(task: DecodeTask, outputs: Sequence[TensorFile], digested: Sequence[InputSpec]) -> DecodeRequest:
    if task.row is None:
        targets = tuple(RowTarget(None, 0, spec) for spec in digested)
    else:
        row = task.row
        targets = tuple(RowTarget(path_bytes(output.path), output.row_offset(row), output.spec) for output in outputs)
    thumbnail = None if task.thumbnail is None else path_bytes(task.thumbnail)
    return DecodeRequest(as_named(task.path), targets, thumbnail, task.side)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
