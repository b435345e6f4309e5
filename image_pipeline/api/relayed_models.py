"""The models for a process that receives requests: each call is an order to the process that has the models."""

import itertools
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from image_pipeline.api.messages import Answer, End, Kind, Order, Ready
from image_pipeline.api.region import Region
from image_pipeline.errors import ModelError
from image_pipeline.inference.runner import Result
from image_pipeline.inference.wire import Capabilities, ServiceLimits
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.services.figures import Figures
from image_pipeline.services.waiting import Waiting

_log = logging.getLogger(__name__)


class _RelayedResult(Result):
    def __init__(self, abandon: Callable[[], None]) -> None:
        super().__init__()
        self._abandon = abandon

    def abandon(self) -> None:
        super().abandon()
        self._abandon()


class RelayedModels:
    """The models at the other end of `connection`; `region` is the memory that both share."""

    def __init__(self, connection: Connection, region: Region, waiting: Waiting, limits: ServiceLimits) -> None:
        self.limits, self.waiting = limits, waiting
        self._connection, self._region = connection, region
        self._capabilities: Capabilities | None = None
        self._numbers = itertools.count()
        self._pending: dict[int, tuple[Result, int | None]] = {}  # by number; with the part of the region that is read
        self._lock = threading.Lock()

    def start(self, end: Callable[[], None]) -> None:
        """Begin to listen to the process of the models, which may call `end`. If it is gone, this process ends."""
        threading.Thread(target=self._listen, args=(end,), name="answers", daemon=True).start()

    def _listen(self, end: Callable[[], None]) -> None:
        try:
            while True:
                match self._connection.recv():
                    case Answer() as answer:
                        self._settle(answer)
                    case Ready(capabilities):
                        self._capabilities = capabilities
                    case End():
                        end()
        except (EOFError, OSError):  # the process of the models is gone
            pass
        except BaseException:  # without this thread, nothing would ever be answered: another process takes its place
            _log.exception("A process that receives requests has failed.")
        os._exit(1)

    @property
    def is_ready(self) -> bool:
        """Whether the models are loaded."""
        return self._capabilities is not None

    @property
    def capabilities(self) -> Capabilities:
        """What the service offers. Raises ModelError before the models are loaded."""
        if self._capabilities is None:
            raise ModelError("The models are being loaded: try again in a few seconds.")
        return self._capabilities

    def figures(self) -> "Future[Figures]":
        """The state of the service now."""
        return self._order(Kind.FIGURES)

    def receiving(self, length: int) -> AbstractContextManager[memoryview]:
        """Shared memory for a body of `length` bytes, while the block runs. Raises BusyError if there is none."""
        return self._region.holding(length)

    def embed_texts(self, texts: Sequence[str]) -> Result:
        """The vectors of texts: a future of float32 `[n, d]`."""
        return self._order(Kind.TEXTS, list(texts))

    def embed(self, images: np.ndarray) -> Result:
        """The vectors of images, uint8 `[n, 3, height, width]`: a future of float32 `[n, d]`. Raises BusyError."""
        return self._order_images(Kind.EMBED, images)

    def caption(self, images: np.ndarray) -> Result:
        """The captions of images, uint8 `[n, 3, height, width]`: a future of n `Caption`s. Raises BusyError."""
        return self._order_images(Kind.CAPTION, images)

    def begin_decoding(self, directory: Path, files: Sequence[Path], specs: Sequence[InputSpec]) -> list[Result]:
        """Decode files for inputs of `specs`, into `directory`: a future of the outcome of each."""
        with self._lock:
            numbers = [next(self._numbers) for _ in files]
        results = [self._note(number) for number in numbers]
        if files:
            self._connection.send(Order(numbers[0], Kind.DECODE, (directory, list(files), list(specs))))
        return results

    def _order_images(self, kind: Kind, images: np.ndarray) -> Result:
        part, first = self._region.hold(images)
        return self._order(kind, (first, images.shape), part)

    def _order(self, kind: Kind, content: Any = None, part: int | None = None) -> Result:
        with self._lock:
            number = next(self._numbers)
        result = self._note(number, part)
        self._connection.send(Order(number, kind, content))
        return result

    def _note(self, number: int, part: int | None = None) -> Result:
        result = _RelayedResult(lambda: self._connection.send(Order(number, Kind.ABANDON)))
        self._pending[number] = result, part
        return result

    def _settle(self, answer: Answer) -> None:
        """Only now does nobody read the images of the order any more, even if it was abandoned."""
        result, part = self._pending.pop(answer.number)
        if part is not None:
            self._region.let_go(part)
        if result.set_running_or_notify_cancel():
            if answer.error is not None:
                result.set_exception(answer.error)
            else:
                result.set_result(answer.value)
