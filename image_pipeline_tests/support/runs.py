"""Runs of `image-pipeline` as processes of their own, that can be watched and killed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from image_pipeline_tests.support.shell import PROGRAM

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_START_SECONDS = 180.0
RUN_SECONDS = 150.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `code` is its exit status, or minus the number of the signal that killed it."""

    code: int
    stdout: str
    stderr: str

    @property
    def was_killed(self) -> bool:
        """Whether it was killed; it had ended before the signal came, otherwise."""
        return self.code == -signal.SIGKILL

    @property
    def summary(self) -> dict[str, Any]:
        """What `--json` printed."""
        parsed: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return parsed


class Run:
    """A run that has begun; `code_after` waits so many seconds at most for its exit status."""

    def __init__(self, pid: int, code_after: Callable[[float], int | None], stdout: Path, stderr: Path) -> None:
        self._code_after, self._stdout, self._stderr = code_after, stdout, stderr
        self.pid = pid

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return self._code_after(0) is not None

    @property
    def stderr_so_far(self) -> str:
        """What it has written to stderr."""
        return self._stderr.read_text(errors="replace") if self._stderr.exists() else ""

    def kill(self) -> None:
        """Kill it, as `kill -9` does."""
        self._signal(signal.SIGKILL)

    def suspend(self) -> None:
        """Let it stand still, as Ctrl-Z does: it keeps what it holds."""
        self._signal(signal.SIGSTOP)

    def _signal(self, number: int) -> None:
        if not self.has_ended:
            os.kill(self.pid, number)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end, not for long; whether it came."""
        return self._code_after(seconds) is not None

    def wait(self, seconds: float = RUN_SECONDS) -> Outcome:
        """How it ended. One that does not end is a failure, and is killed."""
        code = self._code_after(seconds)
        if code is None:
            self._signal(signal.SIGUSR1)
            self._code_after(1)
            self.kill()
            self._code_after(10)
            raise AssertionError(f"a run did not end in {seconds:g} s: {self._stderr.read_text(errors='replace')}")
        return Outcome(code, self._stdout.read_text(errors="replace"), self._stderr.read_text(errors="replace"))


class RunServer:
    """Begins runs; see `forks`. A context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = count()
        self._codes: dict[int, int] = {}
        self._begun: list[int] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
        self._directory.mkdir(parents=True, exist_ok=True)
        self._errors = (self._directory / "forks.err").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "image_pipeline_tests.support.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            cwd=Path.cwd(),
        )
        threading.Thread(target=self._listen, name="answers", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._changed:
                if "begun" in answer:
                    self._codes.pop(answer["begun"], None)  # an id may come again
                    self._begun.append(answer["begun"])
                elif "ended" in answer:
                    self._codes[answer["ended"]] = answer["code"]
                self._changed.notify_all()

    def begin(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        directory: Path | None = None,
        program: str = PROGRAM,
    ) -> Run:
        """Begin `image-pipeline ARGUMENTS` in an environment of its own, and in `directory` if one is given."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        stdout, stderr = (self._directory / f"{number}.{stream}" for stream in ("out", "err"))
        request = {
            "program": Path(program).name,
            "arguments": arguments,
            "environment": {**_base_environment(), **environment},
            "stdout": str(stdout),
            "stderr": str(stderr),
            "directory": str(directory or Path.cwd()),
        }
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        with self._changed:
            began = self._changed.wait_for(lambda: self._begun, _START_SECONDS)
            if not began:
                raise RuntimeError(f"no run could be begun; see {self._errors.name}")
            pid = self._begun.pop()
        return Run(pid, partial(self._code_of, pid), stdout, stderr)

    def run(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        directory: Path | None = None,
        program: str = PROGRAM,
    ) -> Outcome:
        """Begin a run, and wait until it has ended."""
        return self.begin(arguments, environment, directory, program).wait()

    def _code_of(self, pid: int, seconds: float) -> int | None:
        """How a process ended; None where it has not after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: pid in self._codes, seconds)
            return self._codes.get(pid)


class ProgramRuns:
    """Begins the installed program itself, which takes some seconds more."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, arguments: list[str], environment: Mapping[str, str]) -> Run:
        """Begin `image-pipeline ARGUMENTS` in an environment of its own."""
        stdout, stderr = self._directory / "program.out", self._directory / "program.err"
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                [PROGRAM, *arguments],
                env={**_base_environment(), **environment},
                stdout=out,
                stderr=err,
            )

        def code_after(seconds: float) -> int | None:
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                return None

        return Run(process.pid, code_after, stdout, stderr)


def _base_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, **dict.fromkeys(_ONE_THREAD, "1")}
