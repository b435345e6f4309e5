"""The relay of orders: the models' end of the connection to one receiver."""

import queue
import threading
from concurrent.futures import CancelledError, Future
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from image_pipeline.api.messages import Answer, Kind, Order, RelayedError
from image_pipeline.errors import PipelineError
from image_pipeline.inference.runner import Result
from image_pipeline.services.model_service import ModelService


class Relay:
    """Gives the orders that arrive on `connection` to `service`, and sends the answers back.

    `memory`, uint8 `[bytes]`, is shared with the receiver. A receiver that does not read delays nobody else.
    """

    def __init__(self, service: ModelService, connection: Connection, memory: np.ndarray) -> None:
        self._service, self._connection, self._memory = service, connection, memory
        self._pending: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._outgoing: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._send_all, name="send", daemon=True).start()

    def send(self, message: Any) -> None:
        """Send a message after those that wait; signal handlers may call this."""
        self._outgoing.put(message)

    def run(self) -> None:
        """Take orders until the receiver has ended; then abandon what it still waits for."""
        try:
            while True:
                self._take(self._connection.recv())
        except (EOFError, OSError):
            pass
        finally:
            with self._lock:
                left = list(self._pending.values())
            for future in left:
                _abandon(future)
            self._outgoing.put(None)

    def _take(self, order: Order) -> None:
        if order.kind is Kind.ABANDON:
            with self._lock:
                abandoned = self._pending.get(order.number)
            if abandoned is not None:
                _abandon(abandoned)
            return
        try:
            futures = self._begin(order)
        except Exception as error:  # a decoder of many files answers each of them
            count = len(order.content[1]) if order.kind is Kind.DECODE else 1
            for number in range(order.number, order.number + count):
                self._outgoing.put(Answer(number, error=_sent(error)))
            return
        for number, future in enumerate(futures, order.number):
            with self._lock:
                self._pending[number] = future
            future.add_done_callback(lambda done, number=number: self._outgoing.put((number, done)))  # type: ignore[misc]

    def _begin(self, order: Order) -> "list[Future[Any]]":
        match order.kind:
            case Kind.TEXTS:
                return [self._service.embed_texts(order.content)]
            case Kind.EMBED:
                return [self._service.embed(self._images(*order.content))]
            case Kind.CAPTION:
                return [self._service.caption(self._images(*order.content))]
            case Kind.DECODE:
                return self._service.begin_decoding(*order.content)
            case _:
                return [self._service.figures()]

    def _images(self, first: int, shape: tuple[int, ...]) -> np.ndarray:
        count = int(np.prod(shape))
        return self._memory[first : first + count].reshape(shape)

    def _send_all(self) -> None:
        while (message := self._outgoing.get()) is not None:
            answer = self._answer(*message) if isinstance(message, tuple) else message
            try:
                self._connection.send(answer)
            except OSError:  # it has ended: `run` notices
                continue
            except Exception as error:  # it cannot be pickled
                self._connection.send(Answer(answer.number, error=_sent(error)))

    def _answer(self, number: int, future: "Future[Any]") -> Answer:
        with self._lock:
            self._pending.pop(number, None)
        try:
            value = future.result()
        except (Exception, CancelledError) as error:
            return Answer(number, error=_sent(error))
        if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            value = np.stack(value)  # one array is sent much faster than many
        return Answer(number, value)


def _sent(error: BaseException) -> Exception:
    """The error as it is sent: those of libraries cannot always be pickled, or read again."""
    if isinstance(error, CancelledError):
        return CancelledError()
    if isinstance(error, PipelineError):
        return RelayedError(str(error), error.transient)
    return RuntimeError(f"{type(error).__name__}: {error}")


def _abandon(future: "Future[Any]") -> None:
    if isinstance(future, Result):
        future.abandon()
    else:
        future.cancel()
