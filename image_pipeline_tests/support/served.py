"""A command that serves something on a port, in a process of its own, for the length of a `with` block."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx

from benchmarks.qdrant_server import free_port
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.shell import PROGRAM

KEY = "0123456789abcdef-of-a-test"


class Began:
    """`image-pipeline COMMAND --port …` in a session of its own, with `environment` and nothing else."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], command: str, *options: str, port: int | None = None
    ) -> None:
        self.port, self._log_file = port or free_port(), folder / f"{command}.log"
        self._folder, self._environment, self._command = folder, dict(environment), [command, *options]

    def __enter__(self) -> Self:
        command = [PROGRAM, *self._command, "--port", str(self.port)]
        with self._log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=self._environment, cwd=self._folder, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log_file.read_text(errors="replace")


class Served(Began):
    """The same, and its block begins once it answers."""

    def __enter__(self) -> Self:
        super().__enter__()
        assert wait_until(lambda: self.process.poll() is not None or self._answers(), 90), self.log
        assert self.process.poll() is None, self.log
        return self

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to a GET; underscores in the names of headers stand for hyphens."""
        sent: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=sent, timeout=60, trust_env=False)

    def _answers(self) -> bool:
        try:
            self.get("/health")
        except httpx.TransportError:
            return False
        return True
