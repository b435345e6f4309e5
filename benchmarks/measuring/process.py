"""Measurement of a whole process from outside, from its start to its end."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring.memory import SELDOM, Sampler

REPOSITORY = Path(__file__).parents[2]
_TAIL = 4000


class ProgramFailedError(Exception):
    """A measured program failed; the message has the end of its output."""


@dataclass(frozen=True)
class Measured:
    """The measurements of a process: elapsed `seconds`, `cpu_seconds` (user and system, with children), peaks in bytes.

    `answer` is the JSON of the last line on its stdout; None if there is none.
    """

    seconds: float
    cpu_seconds: float
    pss_bytes: int
    anonymous_bytes: int
    disk_bytes: int
    answer: Any = None


def python_program(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the bench in this Python."""
    return [sys.executable, "-W", "ignore", "-m", module, *arguments]


def installed_program(name: str, *arguments: str) -> list[str]:
    """The command of a program that is installed with this Python."""
    return [str(Path(sys.executable).with_name(name)), *arguments]


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a measured process: no settings of the pipeline except `settings`, and no downloads.

    The process uses the package of this checkout, whatever is installed.
    """
    ours = ("IMAGE_", "QDRANT_", "DAGSTER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", **(settings or {})}


def measure(
    command: Sequence[str],
    settings: Mapping[str, str] | None = None,
    watched: Path | None = None,
    request: Any = None,
    every: float = SELDOM,
) -> Measured:
    """Run a command with `request` as JSON on stdin; sample its memory, and the folder `watched`, each `every` seconds.

    Raises ProgramFailedError if its exit code is not 0.
    """
    with tempfile.TemporaryFile("w+b") as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(json.dumps(request).encode())
        stdin.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=stderr, env=environment(settings), cwd=REPOSITORY
        )
        sampler = Sampler(process.pid, watched, every)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = sampler.stop()
        stdout.seek(0)
        stderr.seek(0)
        printed = stdout.read().decode(errors="replace")
        if process.returncode != 0:
            output = (printed + stderr.read().decode(errors="replace"))[-_TAIL:]
            raise ProgramFailedError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Measured(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        pss_bytes=peak.pss_bytes,
        anonymous_bytes=peak.anonymous_bytes,
        disk_bytes=peak.disk_bytes,
        answer=_answer(printed),
    )


@dataclass(frozen=True)
class FirstLine:
    """The time until a command printed its first line, and the CPU time of the whole command, in seconds."""

    seconds: float
    cpu_seconds: float


def first_line(command: Sequence[str], settings: Mapping[str, str] | None = None) -> FirstLine:
    """Run a command, and time its first line of output. Raises ProgramFailedError if it fails or prints none."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env=environment(settings),
        cwd=REPOSITORY,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if not line or process.returncode:
        raise ProgramFailedError(f"{' '.join(command)} ended with {process.returncode} and printed {line!r}")
    return FirstLine(seconds, usage.ru_utime + usage.ru_stime)


def _answer(printed: str) -> Any:
    lines = printed.strip().splitlines()
    try:
        return json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
