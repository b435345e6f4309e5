"""The processes that work for the page: the code server, which executes runs, and the daemon, which starts them."""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.server import wait_for_grpc_server

from image_pipeline.errors import PipelineError
from image_pipeline.page.child_process import GRACE_SECONDS
from image_pipeline.signals import interrupted_afterwards

_DEFINITIONS = "image_pipeline.definitions"
_AGAIN_SECONDS = 5.0
_SOCKET = "code"
_PREFIX = "image-pipeline-"
_LONGEST_PARENT = 107 - len(f"/{_PREFIX}12345678/{_SOCKET}")  # the path of a socket may have at most 107 bytes

_log = logging.getLogger("dagster.image_pipeline")


class ServiceError(PipelineError):
    """A process that works for the page did not start."""


@contextmanager
def short_directory() -> Iterator[Path]:
    """A folder that only this user can enter, in TMPDIR or, if its path is too long for a socket, in /tmp.

    Raises ServiceError if it cannot be created.
    """
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > _LONGEST_PARENT:
        parent = "/tmp"
    try:
        directory = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent)
    except OSError as error:
        raise ServiceError(
            f"No folder can be created in {parent} ({error.strerror}): set TMPDIR to a writable folder whose path has "
            f"at most {_LONGEST_PARENT} bytes."
        ) from error
    with directory as path:
        yield Path(path)


class Service:
    """A Dagster program in its own process and process group, which ends with this process."""

    def __init__(self, name: str, held: int, *arguments: str) -> None:
        """`held` is a descriptor that it inherits, and with it the lock that this process holds."""
        self.name, self._held, self._arguments = name, held, arguments
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", "image_pipeline.page.child_process", *self._arguments]
        # a separate session: Ctrl-C reaches only this process, which ends the others in the right order
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, pass_fds=(self._held,))

    def start_again_if_it_ended(self) -> None:
        """Start the program again if it has ended or was killed."""
        if self.process.poll() is not None:
            _log.warning(f"The {self.name} has ended ({_how(self.process.returncode)}) and is being restarted.")
            self.process = self._start()

    def end(self) -> None:
        """End the program and its children; after a few seconds, kill them."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_SECONDS + 2)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Services:
    """The code server and the daemon, for the length of a `with` block; the code server starts in the background.

    They communicate over a socket in `directory`, which only this user may enter, so that no port is open except the
    page's. `held` is the descriptor of a lock that they hold, too.
    """

    def __init__(self, directory: Path, log_format: str, held: int) -> None:
        self._held = held
        self._socket, self.workspace_file = str(directory / _SOCKET), directory / "workspace.yaml"
        # Dagster's records refer to this name, for example to remember that the sensor was switched off
        location = {"grpc_server": {"socket": self._socket, "location_name": _DEFINITIONS}}
        self.workspace_file.write_text(json.dumps({"load_from": [location]}))
        self._formatted = ("--log-format", log_format)
        self._running: list[Service] = []
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def wait_until_ready(self, seconds: int) -> None:
        """Wait until the code server answers, then start the daemon. Raises ServiceError after `seconds`."""
        [code_server] = self._running
        client = DagsterGrpcClient(socket=self._socket)
        try:
            wait_for_grpc_server(code_server.process, client, [code_server.name], seconds)
        except Exception as error:  # Dagster has no specific exception for this
            code = code_server.process.poll()
            what = f"did not start within {seconds} s" if code is None else f"ended before it answered ({_how(code)})"
            raise ServiceError(f"The code server {what}: fix the cause given above, and try again.") from error
        arguments = ("dagster._daemon", "run", "--workspace", str(self.workspace_file))
        self._running.append(Service("daemon", self._held, *arguments, *self._formatted))
        self._watcher.start()

    def _watch(self) -> None:
        while not self._over.wait(_AGAIN_SECONDS):
            for service in self._running:
                service.start_again_if_it_ended()

    def __enter__(self) -> Self:
        code = ("-m", _DEFINITIONS, "--location-name", _DEFINITIONS, "--log-level", "warning")
        # the current folder may contain anything, even a module with the name of one of ours
        arguments = ("dagster", "api", "grpc", "--socket", self._socket, "--empty-working-directory", *code)
        self._running.append(Service("code server", self._held, *arguments, *self._formatted))
        return self

    def __exit__(self, *_: object) -> None:
        with interrupted_afterwards(lambda: None):  # takes a few seconds at most, and leaves nothing behind
            self._over.set()
            if self._watcher.is_alive():
                self._watcher.join()
            for service in reversed(self._running):  # the daemon first: it would report that the code server is gone
                service.end()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
