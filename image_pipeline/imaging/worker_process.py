"""A worker as its parent sees it: a child process that decodes at most one file at a time."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import image_pipeline
from image_pipeline.errors import PipelineError
from image_pipeline.imaging.protocol import Ready, Rejected, Reply, Request, read_reply, request_line
from image_pipeline.imaging.values import text
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason

_START_SECONDS = 120.0
_END_SECONDS = 5.0
_TAIL_BYTES = 2000
_READ_BYTES = 1 << 16
_MEMORY_WORDS = ("bad_alloc", "MemoryError", "out of memory", "Cannot allocate memory")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX")


class WorkerStartError(PipelineError):
    """A worker process could not be started."""


@dataclass(frozen=True)
class Lost:
    """A process ended, and its current file may not be the cause; `message` says how it ended.

    Either it was killed from outside, as the kernel does when the whole machine is short of memory, or (`started` is
    False) it died before it had looked at the file.
    """

    message: str
    started: bool


class WorkerProcess:
    """One worker: it answers a request with a reply, or dies trying. Used by one thread."""

    def __init__(self, limits: DecodeLimits) -> None:
        """Start the process without waiting for it.

        Raises WorkerStartError if the operating system cannot create a process.
        """
        self._limits = limits
        self._seconds_left: float | None = None
        self._ready = False
        self._received = b""
        self._ended = False
        # A file, not a pipe: a pipe would have to be read while a library prints warnings.
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by end)
        arguments = [str(limits.address_space_bytes), str(limits.pixels), str(limits.seconds)]
        root = str(Path(image_pipeline.__file__).parents[1])
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        try:
            self._process = subprocess.Popen(
                # -P: the current directory may contain a module with the name of one of ours.
                [sys.executable, "-P", "-m", "image_pipeline.imaging.worker", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                env=environment,
            )
        except OSError as error:
            raise WorkerStartError(
                f"A worker process could not be started ({error}): free some memory, or end some processes."
            ) from error

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def seconds_left(self) -> float:
        """How long its parent still waits for the current file; infinity when idle.

        The time that the process takes to start does not count, since no file causes it.
        """
        return float("inf") if self._seconds_left is None else self._seconds_left

    def count_waiting(self, seconds: float) -> None:
        """Count `seconds` that its parent has waited for the current file."""
        if self._seconds_left is not None:
            self._seconds_left -= seconds

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs and its replies make sense."""
        return not self._ended and self._process.poll() is None

    def fileno(self) -> int:
        """The file descriptor that becomes readable when there is a reply, or when the process has died."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def take(self, request: Request) -> bool:
        """Send `request` to the process; False if the process had already died."""
        assert self._process.stdin is not None and self._seconds_left is None
        self._errors.seek(0)
        self._errors.truncate()
        try:
            self._process.stdin.write(request_line(request))
        except BrokenPipeError:
            return False
        self._seconds_left = self._limits.wall_seconds if self._ready else _START_SECONDS
        return True

    def receive(self) -> Reply | Lost | None:
        """Read what is available: the reply once it is complete, else None.

        If the process has died, the result rejects the current file, or says that the file was lost.
        """
        data = os.read(self.fileno(), _READ_BYTES)
        if not data:
            return self._death()
        *lines, self._received = (self._received + data).split(b"\n")
        reply = None
        for line in lines:
            reply = self._received_line(line)
        return reply

    def _received_line(self, line: bytes) -> Reply | None:
        try:
            reply = read_reply(line)
        except (ValueError, KeyError, TypeError):
            # Its memory is corrupted: nothing that it sends from now on can be trusted.
            self._ended = True
            return Rejected(Reason.DECODER_CRASHED, f"the worker process sent an invalid reply: {line[:80]!r}")
        if isinstance(reply, Ready):
            self._ready = True
            if self._seconds_left is not None:
                self._seconds_left = self._limits.wall_seconds
            return None
        self._seconds_left = None
        return reply

    def expire(self) -> Reply:
        """The reply for a process whose time is up; the caller must end the process.

        Raises WorkerStartError if the process was not even ready.
        """
        if not self._ready:
            raise WorkerStartError(
                f"A worker process was not ready after {_START_SECONDS:.0f} s: reduce the load on the machine."
            )
        return Rejected(
            Reason.TIMEOUT,
            f"no reply after {self._limits.wall_seconds:g} s, with less than {self._limits.seconds:g} s of "
            "processor time used: the disk may not be responding",
        )

    def end(self) -> None:
        """Kill the process, whatever it is doing, and wait only briefly: it may hang in the kernel."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self._errors.close()

    def _death(self) -> Reply | Lost:
        self._ended = True
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            code = 0
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _TAIL_BYTES))
        tail = self._errors.read().decode("utf-8", "replace").strip()
        if not self._ready:
            return Lost(f"A worker process ended ({_ending(code)}) before it was ready: {tail or 'no output'}", False)
        if code == -signal.SIGPROF:
            return Rejected(Reason.TIMEOUT, f"not decoded after {self._limits.seconds:g} s of processor time")
        if code == -signal.SIGKILL:
            return Lost(f"the worker process was killed from outside ({_ending(code)})", started=True)
        last = text(tail.splitlines()[-1], _TAIL_BYTES) if tail else None
        reason = Reason.OUT_OF_MEMORY if any(word in tail for word in _MEMORY_WORDS) else Reason.DECODER_CRASHED
        return Rejected(reason, f"the worker process ended ({_ending(code)})" + (f": {last}" if last else ""))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
