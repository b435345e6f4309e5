"""Installed programs, run as a person runs them: in a home folder, with nothing set but what a test sets."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from image_pipeline_tests.support.runs import RunServer

PROGRAMS = Path(sys.executable).parent
PROGRAM, DAGSTER = str(PROGRAMS / "image-pipeline"), str(PROGRAMS / "dagster")
_SECONDS = 240.0


class Shell:
    """Runs programs in `home`, with PATH, HOME and `environment` set and nothing else.

    With `runs`, `run` takes a child of that server, which need not import anything. That is for tests of what a program
    does. It is not for tests of how it starts: what it imports, in which locale.
    """

    def __init__(self, home: Path, runs: "RunServer | None" = None, **environment: str) -> None:
        self.home = home
        self._runs = runs
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), **environment}

    @classmethod
    def over_library(cls, home: Path, runs: "RunServer | None" = None, **environment: str) -> Self:
        """Programs over `library` in a home folder, with their store in `store` and no captions."""
        settings = {"IMAGE_LIBRARY": str(home / "library"), "IMAGE_PIPELINE_HOME": str(home / "store")}
        settings |= {"LANG": "C.UTF-8", "IMAGE_PIPELINE_MODELS": "bundled:embedder,none"}
        return cls(home, runs, **settings, **environment)

    def run(self, *arguments: str, program: str = PROGRAM, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end."""
        if self._runs is not None:
            outcome = self._runs.run([*arguments], {**self.environment, **environment}, self.home, program)
            return subprocess.CompletedProcess([program, *arguments], outcome.code, outcome.stdout, outcome.stderr)
        done: subprocess.CompletedProcess[str] = self._run([program, *arguments], environment, text=True)
        return done

    def run_bytes(
        self, *arguments: str, program: str = PROGRAM, **environment: str
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a program to its end; what it prints is not decoded."""
        done: subprocess.CompletedProcess[bytes] = self._run([program, *arguments], environment, text=False)
        return done

    def begin(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Begin `image-pipeline` in a session of its own, as a terminal does."""
        return subprocess.Popen(
            [PROGRAM, *arguments],
            env={**self.environment, **environment},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def json(self, *arguments: str) -> Any:
        """What `image-pipeline` prints with `--json`."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def _run(self, command: list[str], environment: dict[str, str], text: bool) -> Any:
        return subprocess.run(
            command,
            env={**self.environment, **environment},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=text,
            timeout=_SECONDS,
        )
