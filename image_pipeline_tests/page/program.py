"""`image-pipeline dev` as a person starts it, over a small library, and ways to talk to it."""

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.qdrant_server import free_port
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.shell import PROGRAM

LOCATION = "image_pipeline.definitions"

_LAUNCH = """
mutation($selector: JobOrPipelineSelector!, $config: RunConfigData, $tags: [ExecutionTag!]) {
  launchRun(executionParams: {selector: $selector, runConfigData: $config, executionMetadata: {tags: $tags}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PythonError { message }
  }
}"""


@dataclass(frozen=True)
class Answer:
    """What the page answered to a request."""

    status: int
    headers: http.client.HTTPMessage
    text: str


class Dev:
    """The page, its daemon and its code server, started in a session of its own; ended by force at the latest."""

    def __init__(self, home: Path, port: int | None = None, begin: Callable[[], None] | None = None, **more: str):
        draw_scenes(home / "library/trip", 2)
        self.home, self.port = home, port or free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(home),  # what a killed one leaves goes with the test
            "IMAGE_LIBRARY": str(home / "library"),
            "IMAGE_PIPELINE_HOME": str(home / "store"),
            "IMAGE_PIPELINE_MODELS": "demo",
            "IMAGE_PIPELINE_SETTLE_SECONDS": "86400",  # the sensor begins no runs
            "LANG": "C.UTF-8",
            **more,
        }
        self.log_file = home / "dev.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "dev", "--port", str(self.port)],
                env=self.environment,
                cwd=home,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=begin,
            )

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.log_file.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_open(self) -> None:
        """Wait until the page answers, and the daemon runs."""
        assert wait_until(lambda: self.process.poll() is not None or "daemons: [" in self.log, 120), self.log
        assert self.process.poll() is None, self.log

    def request(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request as a program does that is no browser; `headers` come before its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        with suppress(TimeoutError):
            return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
        raise AssertionError("the answer has no end")

    def graphql(self, query: str, **variables: Any) -> Any:
        """The data that Dagster answers to a query, or to a mutation."""
        body = json.dumps({"query": query, "variables": variables})
        answer = self.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        assert answer.status == 200, answer.text
        return json.loads(answer.text)["data"]

    def launch(
        self, job: str = "ingest", config: Mapping[str, object] | None = None, tags: Mapping[str, str] | None = None
    ) -> Any:
        """Launch a run, as the Launchpad does; gives Dagster's answer."""
        selector = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "jobName": job}
        told = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        return self.graphql(_LAUNCH, selector=selector, config=config or {}, tags=told)["launchRun"]

    def partitions(self) -> list[str]:
        """The partition keys that Dagster knows."""
        query = '{ assetNodes(assetKeys: [{path: "discovered_files"}]) { partitionKeys } }'
        return list(self.graphql(query)["assetNodes"][0]["partitionKeys"])

    def processes(self) -> dict[int, str]:
        """All processes of this home, whoever is their parent by now, with their command lines."""
        return {pid: command for pid, command in _commands().items() if self._is_own(pid)}

    def _is_own(self, pid: int) -> bool:
        try:
            return f"HOME={self.home}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def add_partition(key: str) -> str:
    """A mutation that makes a partition key known to Dagster."""
    repository = f'{{repositoryName: "__repository__", repositoryLocationName: "{LOCATION}"}}'
    return (
        f'mutation {{ addDynamicPartition(partitionsDefName: "directory", partitionKey: "{key}", '
        f"repositorySelector: {repository}) {{ __typename }} }}"
    )


def _commands() -> dict[int, str]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if command:  # a zombie has none
                    found[int(entry.name)] = command
    return found
