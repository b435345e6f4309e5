"""The processes that receive requests: started, replaced if one dies, and ended in order.

Receiving takes time: one process of Python takes 4,000 images of 224 × 224 in a second from its callers, and a GPU
computes 27,000. All receivers accept connections on the same socket; images reach the models by shared memory.
"""

import logging
import os
import queue
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from multiprocessing import Pipe
from pathlib import Path

from image_pipeline.api.messages import End, Ready, Setup
from image_pipeline.api.metrics import DIRECTORY
from image_pipeline.api.receiver import command, table_of
from image_pipeline.api.region import REGION_BYTES, bytes_of, open_memory
from image_pipeline.api.relay import Relay
from image_pipeline.api_keys import Keys
from image_pipeline.errors import PipelineError
from image_pipeline.inference.wire import Capabilities, ServiceLimits
from image_pipeline.services.model_service import ModelService
from image_pipeline.services.waiting import Waiting

MOST = 8
"""The maximum number of receivers. So many receive 35,000 images of 224 × 224 in a second, if each has a core."""

_TABLE_BYTES = 4096
_ENDING_SECONDS = 65.0  # a receiver finishes its requests for up to a minute
_SHORT_SECONDS = 5.0
_SHORT_LIVES = 3

_log = logging.getLogger(__name__)


class _Receiver:
    """A process that receives, the relay of its orders, and its row in the table of waiting images."""

    def __init__(self, row: int, process: "subprocess.Popen[bytes]", relay: Relay) -> None:
        self.row, self.process, self.relay = row, process, relay
        self.began_at = time.monotonic()

    def serve(self) -> None:
        """Take its orders until it has ended."""
        try:
            self.relay.run()
        finally:
            try:
                self.process.wait(_SHORT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Receivers:
    """Processes that receive requests on the socket `listener`, for the models of one service.

    Threads and signal handlers may call `set_ready` and `end` at any time.
    """

    def __init__(self, listener: socket.socket, keys: Keys, limits: ServiceLimits, traces: str | None = None) -> None:
        self._listener, self._keys, self._limits, self._traces = listener, keys, limits, traces
        self._counts = open_memory(_TABLE_BYTES)
        self.waiting = Waiting(limits.waiting_images, table_of(self._counts, MOST))
        self._events: queue.SimpleQueue[_Receiver | tuple[Capabilities, int] | None] = queue.SimpleQueue()
        self._running: list[_Receiver] = []
        self._ready: Ready | None = None
        self._count, self._short_lives = 1, 0
        self._folder = Path()

    def set_ready(self, capabilities: Capabilities, count: int) -> None:
        """Tell the receivers that the models are loaded; from now on there are `count`, up to `MOST`."""
        self._events.put((capabilities, count))

    def end(self) -> None:
        """Make `run` return once all requests that were taken are finished."""
        self._events.put(None)

    def run(self, service: ModelService) -> None:
        """Receive requests for `service` until `end`. Raises PipelineError if receivers end as soon as they begin."""
        with tempfile.TemporaryDirectory(prefix="serve-models-") as name:
            try:
                self._folder = Path(name)
                self._fill(service)
                while (event := self._events.get()) is not None:
                    if isinstance(event, _Receiver):
                        self._replace(event)
                    else:
                        self._ready, self._count = Ready(event[0]), min(event[1], MOST)
                        for receiver in self._running:
                            receiver.relay.send(self._ready)
                    self._fill(service)
            finally:
                self._finish()

    def _fill(self, service: ModelService) -> None:
        while len(self._running) < self._count:
            row = min(set(range(MOST)) - {receiver.row for receiver in self._running})
            self.waiting.reset(row)
            try:
                receiver = self._start(row, service)
            except OSError as error:
                raise PipelineError(f"No process can be started to receive requests ({error}).") from error
            self._running.append(receiver)
            if self._ready is not None:
                receiver.relay.send(self._ready)

    def _start(self, row: int, service: ModelService) -> _Receiver:
        uploads, metrics = self._uploads(row), self._folder / "metrics"
        for folder in (uploads, metrics):
            folder.mkdir(exist_ok=True)
        with ExitStack() as opened:
            here, there = Pipe()
            opened.callback(there.close)
            memory = open_memory(REGION_BYTES)
            opened.callback(os.close, memory)
            descriptors = self._listener.fileno(), there.fileno(), memory, self._counts
            process = subprocess.Popen(
                command(*descriptors),
                stdin=subprocess.DEVNULL,
                pass_fds=descriptors,
                env={**os.environ, DIRECTORY: str(metrics), "TMPDIR": str(uploads)},
                start_new_session=True,  # else Ctrl-C on a terminal reached it, too
            )
            relay = Relay(service, here, bytes_of(memory, REGION_BYTES))
        relay.send(Setup(self._limits, self._keys, row, MOST, self._traces))
        receiver = _Receiver(row, process, relay)

        def serve() -> None:
            try:
                receiver.serve()
            finally:
                self._events.put(receiver)

        threading.Thread(target=serve, name=f"receiver-{row}", daemon=True).start()
        return receiver

    def _replace(self, ended: _Receiver) -> None:
        """Take note that a receiver has ended by itself; the next one takes its place."""
        self._running.remove(ended)
        shutil.rmtree(self._uploads(ended.row), ignore_errors=True)
        are_short = all(time.monotonic() - one.began_at < _SHORT_SECONDS for one in (ended, *self._running))
        self._short_lives = self._short_lives + 1 if are_short else 0
        code = ended.process.returncode
        if self._short_lives >= _SHORT_LIVES:
            raise PipelineError(f"The processes that receive requests end as soon as they begin (exit code {code}).")
        _log.warning("A process that receives requests has ended (exit code %s); another one takes its place.", code)

    def _uploads(self, row: int) -> Path:
        return self._folder / f"uploads-{row}"

    def _finish(self) -> None:
        self._listener.close()
        for receiver in self._running:
            receiver.relay.send(End())
        ends_at = time.monotonic() + _ENDING_SECONDS
        for receiver in self._running:
            try:
                receiver.process.wait(max(0.0, ends_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                receiver.process.kill()
                receiver.process.wait()
        os.close(self._counts)
