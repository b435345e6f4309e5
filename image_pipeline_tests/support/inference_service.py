"""`image-pipeline serve-models` as a person starts it."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.served import Began

KEY, SECOND_KEY = "0123456789abcdef-first", "fedcba9876543210-second"


class InferenceService(Began):
    """The service with the demo models, in a process of its own, for the length of a `with` block."""

    def __init__(self, directory: Path, *options: str, port: int | None = None, **more: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "IMAGE_PIPELINE_HOME": str(directory / "store"),
            "IMAGE_PIPELINE_MODELS": "demo",
            **more,
        }
        super().__init__(directory, environment, "serve-models", *options, port=port)
        self.directory, self.url = directory, f"http://127.0.0.1:{self.port}"

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
