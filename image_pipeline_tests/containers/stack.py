"""The system of docker-compose.yml, started from a copy of the project over a small library, as a person starts it."""

import base64
import json
import os
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from benchmarks.qdrant_server import free_port
from image_pipeline_tests.support.library import draw_scenes

ROOT = Path(__file__).parents[2]
PROJECT = "image-pipeline-test"
_BUILD_SECONDS, _START_SECONDS, _COMMAND_SECONDS = 900, 300, 300
_COPIED = (
    "Dockerfile",
    ".dockerignore",
    "docker-compose.yml",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "dagster.yaml",
)

_COLLECTOR = """
services:
  collector:
    image: ${COMPOSE_PROJECT_NAME}/app
    command: [python, /collector.py]
    volumes: ["./collector.py:/collector.py:ro"]
    networks: [runs, metrics, data]
"""
"""A collector of traces, which a person adds like this."""


class Stack:
    """The containers, for the length of a `with` block; their volumes are deleted at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.library, self.port = folder / "project", folder / "my $photos #1", free_port()

    def __enter__(self) -> Self:
        self._copy()
        for directory in ("trips/lake", "trips/hills"):
            self.add(directory, 3)
        (self.library / "trips/lake/broken.jpg").write_bytes(b"\xff\xd8\xff and nothing else")
        (self.library / "trips/lake/broken.jpg").chmod(0o644)
        run(["scripts/compose_secrets.sh", str(self.library)], self.folder)
        settings = {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "GATEWAY_PORT": self.port,
            "IMAGE_PIPELINE_MODELS": "demo",
            "IMAGE_PIPELINE_SETTLE_SECONDS": 1,
            "RUN_MEMORY": "2g",
            "COMPOSE_FILE": "docker-compose.yml:collector.yml",
            "IMAGE_PIPELINE_TRACES": "http://collector:4318",
            "IMAGE_PIPELINE_LOG_FORMAT": "json",
        }
        with (self.folder / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())
        self.compose("build", "--quiet", seconds=_BUILD_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("--profile", "cli", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)

    def add(self, directory: str, count: int) -> None:
        """Add a directory of one picture in so many files, which differ after the end of the picture.

        Its files, and those above it, can be read by the user of the containers.
        """
        folder = self.library / directory
        [scene] = draw_scenes(folder, 1, seed=len(list(self.library.rglob("*"))))
        content = (folder / scene).read_bytes()
        for number in range(1, count):
            (folder / f"a{number}.jpg").write_bytes(content + number.to_bytes(4, "big"))
        for path in (self.library, *self.library.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def up(self) -> None:
        """Start everything, and wait until all of it is healthy."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "200", seconds=_START_SECONDS)

    def compose(self, *arguments: str, seconds: float = _COMMAND_SECONDS, check: bool = True) -> str:
        """What `docker compose` prints with these arguments."""
        return run(["docker", "compose", *arguments], self.folder, seconds, check)

    def cli(self, *arguments: str, check: bool = True) -> str:
        """What a command of `image-pipeline` prints in its container."""
        return self.compose("run", "--rm", "--no-TTY", "cli", *arguments, check=check)

    def inspect(self, service: str) -> dict[str, Any]:
        """How the engine describes the container of a service."""
        container = self.compose("ps", "--all", "--quiet", service).split()[0]
        [described] = json.loads(run(["docker", "inspect", container], self.folder))
        return dict(described)

    def runs(self, *states: str) -> list[str]:
        """The containers of runs, newest first."""
        chosen = [f"--filter=status={state}" for state in states]
        label = f"label=image-pipeline.run={PROJECT}"
        return run(["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", label, *chosen], self.folder).split()

    @property
    def password(self) -> str:
        """The password of the gateway's user."""
        return (self.folder / "deploy/secrets/gateway_password").read_text().strip()

    def get(self, path: str, password: str | None = None, host: str | None = None, body: Any = None) -> tuple[int, str]:
        """The status and the text of what the gateway answers; a POST of JSON if there is a body."""
        headers = {"Content-Type": "application/json"}
        if password is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(f'photos:{password}'.encode()).decode()}"
        if host is not None:
            headers["Host"] = host
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"https://localhost:{self.port}{path}", data, headers)
        trusted = ssl.create_default_context(cafile=str(self.folder / "deploy/secrets/tls_certificate.pem"))
        try:
            with urllib.request.urlopen(request, timeout=60, context=trusted) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def graphql(self, query: str, **variables: Any) -> Any:
        """What Dagster answers to a query behind the gateway."""
        status, text = self.get("/dagster/graphql", self.password, body={"query": query, "variables": variables})
        assert status == 200, text
        return json.loads(text)["data"]

    def launch(self, directory: str) -> None:
        """Launch a run of `ingest` for a registered directory, as the page does."""
        selector = {
            "repositoryLocationName": "image_pipeline.definitions",
            "repositoryName": "__repository__",
            "jobName": "ingest",
        }
        tags = [{"key": f"dagster/asset_partition_range_{end}", "value": directory} for end in ("start", "end")]
        launched = self.graphql(
            """mutation($selector: JobOrPipelineSelector!, $tags: [ExecutionTag!]) {
                 launchRun(executionParams: {selector: $selector, executionMetadata: {tags: $tags}}) {
                   __typename ... on PythonError { message } } }""",
            selector=selector,
            tags=tags,
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched

    @property
    def indexed(self) -> int:
        """How many files are in the collection, according to the exporter."""
        ask = (
            "import urllib.request as u; key = open('/run/secrets/metrics_key').read().strip();"
            "print(u.urlopen(u.Request('http://127.0.0.1:9600/metrics', headers={'x-api-key': key})).read().decode())"
        )
        text = self.compose("exec", "--no-TTY", "exporter", "python", "-c", ask)
        [line] = [line for line in text.splitlines() if line.startswith('image_pipeline_files{state="indexed"}')]
        return int(float(line.split()[1]))

    def _copy(self) -> None:
        self.folder.mkdir()
        for name in _COPIED:
            shutil.copy(ROOT / name, self.folder)
        (self.folder / "collector.yml").write_text(_COLLECTOR)
        shutil.copy(ROOT / "image_pipeline_tests/support/collector.py", self.folder)
        (self.folder / "collector.py").chmod(0o644)
        for lock in ROOT.glob("requirements*.lock"):
            shutil.copy(lock, self.folder)
        for name in ("image_pipeline", "deploy", "scripts"):
            left_out = shutil.ignore_patterns("__pycache__", "secrets")
            shutil.copytree(ROOT / name, self.folder / name, ignore=left_out)


def run(command: list[str], folder: Path, seconds: float = _COMMAND_SECONDS, check: bool = True) -> str:
    """What a command prints; AssertionError with all of its output if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGE_", "QDRANT_"))}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert ended.returncode == 0 or not check, f"{command}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout if check else ended.stdout + ended.stderr
