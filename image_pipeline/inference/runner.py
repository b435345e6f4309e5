"""Threads that run models for many callers: the images of those who wait are computed together.

On a GPU, a batch of 32 images takes hardly longer than one image, and on a CPU an image of a batch takes a third to
half of the time of a single one. So the first image waits for up to 5 ms for others that are on their way, if there are
any. If more images wait than fit into a batch, several batches may be run at once, so that each is copied to the GPU
while the one before is computed.
"""

import itertools
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np

from image_pipeline.errors import PipelineError
from image_pipeline.inference.joined_images import JoinedImages
from image_pipeline.inference.prefetch import Images

WAIT_SECONDS = 0.005
"""How long the first image of a batch waits for others."""

_TURN_SECONDS = 0.02

_log = logging.getLogger(__name__)

_URGENT, _NORMAL, _LAST = range(3)

Batches = Callable[[Images], Iterator[tuple[slice, Any]]]
"""Runs images through a model: yields the rows of each batch, and a result for each of them."""


class Result(Future[Any]):
    """What a runner will return; `abandon` it if nobody needs it any more."""

    is_abandoned = False

    def abandon(self) -> None:
        """Cancel the work, or end it before the next batch if it has begun."""
        self.is_abandoned = True
        self.cancel()


@dataclass(order=True)
class _Job:
    """Images to run, or a call to make; ordered by urgency, then by arrival."""

    urgency: int
    number: int
    images: np.ndarray | None = field(compare=False)
    call: Callable[[], Any] | None = field(compare=False)
    future: Result = field(compare=False, default_factory=Result)


class ModelRunner:
    """A thread that owns a model, for the length of a `with` block.

    `batches` runs images `[n, 3, height, width]`, in batches of up to `most` images. Images of several callers are run
    together, up to `at_once` batches if so many wait. `expected` returns the number of images that callers are sending
    or waiting for. `device` is held during each batch: models that share a CPU share a lock.
    """

    def __init__(
        self,
        name: str,
        batches: Batches,
        most: int,
        device: threading.Lock,
        expected: Callable[[], int],
        at_once: int = 1,
    ) -> None:
        self._batches, self._most, self._device, self._expected = batches, most, device, expected
        self._at_once = at_once
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.batches_run = 0
        self.images_run = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the jobs that were taken, then end the thread."""
        self._jobs.put(_Job(_LAST, next(self._numbers), None, None))
        self._thread.join()

    def run(self, images: np.ndarray) -> Result:
        """The results of images, one for each."""
        return self._put(_Job(_NORMAL, next(self._numbers), images, None))

    def call(self, function: Callable[[], Any]) -> Result:
        """The result of a short call, which is made before the next batch of images: a person waits for it."""
        return self._put(_Job(_URGENT, next(self._numbers), None, function))

    def _put(self, job: _Job) -> Result:
        self._jobs.put(job)
        return job.future

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job.urgency == _LAST:
                return
            if not job.future.set_running_or_notify_cancel():
                continue
            if job.call is not None:
                self._make(job)
                continue
            jobs = self._joined(job)
            self._run(jobs)

    def _joined(self, first: _Job) -> list[_Job]:
        """The first job, and those of the same kind that arrive within a moment, or wait already: up to some batches.

        Nobody waits for more than a full batch.
        """
        jobs, count = [first], _length(first)
        ends_at = time.monotonic() + WAIT_SECONDS
        while count < self._at_once * self._most:
            if self._jobs.empty() and (count >= self._most or self._expected() <= count):
                break
            try:
                job = self._jobs.get(timeout=max(0.0, ends_at - time.monotonic()))
            except queue.Empty:
                break
            if job.urgency == _LAST:
                self._jobs.put(job)
                break
            if not job.future.set_running_or_notify_cancel():
                continue
            if job.call is not None:
                self._make(job)
                continue
            if job.images is None or first.images is None or job.images.shape[1:] != first.images.shape[1:]:
                self._run([job])
                continue
            jobs.append(job)
            count += _length(job)
        return jobs

    def _run(self, jobs: Sequence[_Job]) -> None:
        """Run jobs together, and answer each as soon as its images have been run."""
        arrays = [job.images for job in jobs if job.images is not None]
        waiting, results = deque(jobs), []
        computed = self._computed(arrays[0] if len(arrays) == 1 else JoinedImages(arrays), waiting)
        try:
            for batch in computed:
                results.extend(batch)
                while waiting and len(results) >= (length := _length(waiting[0])):
                    self.images_run += length
                    waiting.popleft().future.set_result(results[:length])
                    del results[:length]
        except Exception as error:
            for job in waiting:
                if len(jobs) > 1:  # one of them may be at fault
                    self._run([job])
                    continue
                if not isinstance(error, (PipelineError, CancelledError)):
                    _log.error("A model has failed.", exc_info=error)
                job.future.set_exception(error.with_traceback(None))  # its frames hold the images
        finally:
            computed.close()

    def _computed(self, images: Images, waiting: Collection[_Job]) -> Generator[Any]:
        """The results of each batch. Raises CancelledError if no job that is `waiting` is needed any more."""
        batches = self._batches(images)
        try:
            while not waiting or not all(job.future.is_abandoned for job in waiting):
                while not self._device.acquire(timeout=_TURN_SECONDS):
                    self._make_urgent_calls()
                try:
                    _, batch = next(batches)
                except StopIteration:
                    return
                finally:
                    self._device.release()
                self.batches_run += 1
                yield batch
                self._make_urgent_calls()
            raise CancelledError
        finally:
            if isinstance(batches, Generator):  # now, and not when it is collected: it may read ahead
                batches.close()

    def _make_urgent_calls(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job.urgency != _URGENT:
                self._jobs.put(job)
                return
            if job.future.set_running_or_notify_cancel():
                self._make(job)

    def _make(self, job: _Job) -> None:
        assert job.call is not None
        try:
            result = job.call()
        except Exception as error:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)


def _length(job: _Job) -> int:
    return 0 if job.images is None else len(job.images)
