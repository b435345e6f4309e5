"""Models of the inference service, used like those of this process."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import numpy as np

from image_pipeline.inference.batching import Throughput
from image_pipeline.inference.captioner import Caption
from image_pipeline.inference.prefetch import Images
from image_pipeline.inference.service_client import ServiceClient
from image_pipeline.inference.wire import ServedModel

IN_FLIGHT = 3
"""The number of batches on their way: one is sent and one returns while one is computed."""

_LARGEST_BATCH = 256

Result = TypeVar("Result")


def _in_background(run: Callable[[np.ndarray], Result], images: np.ndarray) -> "Future[Result]":
    """The result of a call in a thread for which a process does not wait at its end: it may take minutes."""
    future: Future[Result] = Future()

    def call() -> None:
        try:
            result = run(images)
        except BaseException as error:  # raised again by whoever asks for the result
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=call, name="inference", daemon=True).start()
    return future


class _RemoteModel(Generic[Result]):
    def __init__(self, client: ServiceClient, served: ServedModel, run: Callable[[np.ndarray], Result]) -> None:
        self._client, self._served, self._run = client, served, run
        self._images, self._seconds = 0, 0.0

    @property
    def throughput(self) -> Throughput | None:
        """Device, batch size and speed; None before the first batch."""
        if not self._images:
            return None
        device = f"{self._client.capabilities.device} of the inference service"
        return Throughput(device, self._batch, self._images, self._seconds)

    @property
    def _batch(self) -> int:
        most = self._client.capabilities.limits
        image_bytes = self._served.producer.input.row_bytes
        return max(1, min(self._served.batch, _LARGEST_BATCH, most.images, most.body_bytes // 2 // image_bytes))

    def _batches(self, images: Images) -> Iterator[tuple[slice, Result]]:
        """The results, batch by batch, in order; the next batches are on their way meanwhile."""
        starts = iter(range(0, len(images), self._batch))
        began = time.perf_counter()

        def sent(start: int) -> "tuple[slice, Future[Result]]":
            rows = slice(start, min(start + self._batch, len(images)))
            return rows, _in_background(self._run, np.array(images[rows], order="C"))

        waiting = deque(sent(start) for _, start in zip(range(IN_FLIGHT), starts, strict=False))
        while waiting:
            rows, future = waiting.popleft()
            result = future.result()
            now = time.perf_counter()
            self._images += rows.stop - rows.start
            self._seconds += now - began
            following = next(starts, None)
            if following is not None:
                waiting.append(sent(following))
            yield rows, result
            began = time.perf_counter()


class RemoteEmbedder(_RemoteModel[np.ndarray]):
    """The embedder of the service."""

    def __init__(self, client: ServiceClient) -> None:
        super().__init__(client, client.capabilities.embedder, client.embed)

    def embed_batches(self, images: Images) -> Iterator[tuple[slice, np.ndarray]]:
        """As `Embedder.embed_batches`; raises as `ServiceClient` does."""
        return self._batches(images)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """As `Embedder.embed_texts`; raises as `ServiceClient` does."""
        return self._client.embed_texts(texts)


class RemoteCaptioner(_RemoteModel[list[Caption]]):
    """The captioner of the service."""

    def __init__(self, client: ServiceClient, served: ServedModel) -> None:
        super().__init__(client, served, client.caption)

    def caption_batches(self, images: Images) -> Iterator[tuple[slice, list[Caption]]]:
        """As `Captioner.caption_batches`; raises as `ServiceClient` does."""
        return self._batches(images)
