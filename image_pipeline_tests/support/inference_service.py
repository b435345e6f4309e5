"""`image-pipeline serve-models` as a person starts it."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx

from benchmarks.qdrant_server import free_port
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.served import begin_logged

KEY, SECOND_KEY = "0123456789abcdef-first", "fedcba9876543210-second"


class InferenceService:
    """The service with the demo models, in a process of its own, for the length of a `with` block."""

    def __init__(self, directory: Path, *options: str, port: int | None = None, **environment: str) -> None:
        self.directory, self.port = directory, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options, self._more = options, environment

    def __enter__(self) -> Self:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory),
            "IMAGE_PIPELINE_HOME": str(self.directory / "store"),
            "IMAGE_PIPELINE_MODELS": "demo",
            **self._more,
        }
        self.log_file = self.directory / "service.log"
        command = ["serve-models", "--port", str(self.port), *self._options]
        self.process = begin_logged(command, environment, self.directory, self.log_file)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.log_file.read_text()

    def client(self, **given: Any) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.url, timeout=120, trust_env=False, **given)

    def wait_until_ready(self) -> None:
        """Wait until the models are loaded."""

        def is_ready() -> bool:
            assert self.process.poll() is None, self.log
            with suppress(httpx.TransportError), self.client() as client:
                return client.get("/health/ready").status_code == 200
            return False

        assert wait_until(is_ready, 120), self.log

    def end(self) -> int:
        """End it as an orchestrator does; the exit code."""
        self.process.terminate()
        return self.process.wait(60)
