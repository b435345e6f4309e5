"""Logs for programs: each line of stderr is a JSON object, and tells of which run, directory and file it is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from image_pipeline.files.partition import Partition
from image_pipeline_tests.support.library import draw_scenes

PROGRAMS = Path(sys.executable).parent


class Shell:
    """Runs programs with logs as JSON."""

    def __init__(self, home: Path) -> None:
        self.library, self.store = home / "library", home / "store"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "IMAGE_LIBRARY": str(self.library),
            "IMAGE_PIPELINE_HOME": str(self.store),
            "DAGSTER_HOME": str(home / "records"),
            "IMAGE_PIPELINE_MODELS": "bundled:embedder,none",
            "LANG": "C.UTF-8",
        }

    def run(self, *command: str, log_format: str = "json") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(PROGRAMS / command[0]), *command[1:]],
            env={**self.environment, "IMAGE_PIPELINE_LOG_FORMAT": log_format},
            capture_output=True,
            text=True,
            timeout=240,
        )

    def logs(self, *command: str) -> list[dict[str, Any]]:
        done = self.run(*command)
        assert done.returncode == 0, done.stderr
        assert " - dagster - " not in done.stderr, "nothing is told twice, once for people"
        lines = done.stderr.splitlines()
        if command[0] == "dagster":  # Dagster tells of its command line's future before it reads what it is to run
            lines = [line for line in lines if line.startswith("{")]
        return [json.loads(line) for line in lines]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    draw_scenes(made.library / "trip [1]", 2)
    (made.library / "trip [1]/bad.jpg").write_bytes(b"no picture")
    return made


def test_a_command_and_a_run_of_dagster_log_the_same(shell: Shell) -> None:
    logs = shell.logs("image-pipeline", "ingest")
    assert all({"time", "level", "message"} <= line.keys() for line in logs)
    assert all({"run_id", "job"} <= line.keys() for line in logs), "there are no bars between them"
    [warning] = [line for line in logs if line["level"] == "WARNING"]
    assert (warning["path"], warning["reason"]) == ("trip [1]/bad.jpg", "unknown_format")
    assert (warning["partition"], warning["step"], warning["job"]) == ("trip %5B1%5D", "qdrant_collection", "ingest")
    assert len(warning["sha256"]) == 64
    [counts] = [line for line in logs if "indexed" in line]
    assert (counts["partition"], counts["files"], counts["indexed"], counts["quarantined"]) == ("trip %5B1%5D", 3, 2, 1)
    assert len({line["run_id"] for line in logs}) == 1
    assert [line["event"] for line in logs if "event" in line] == ["RUN_START", "RUN_SUCCESS"]

    tags = json.dumps({"dagster/partition": Partition("trip [1]").key})
    (shell.library / "trip [1]/worse.jpg").write_bytes(b"")
    execute = ["dagster", "job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags", tags]
    logs = shell.logs(*execute)
    [warning] = [line for line in logs if line["level"] == "WARNING" and "path" in line]
    assert warning["path"] == "trip [1]/worse.jpg", "the other was in quarantine before"
    assert [line["indexed"] for line in logs if "indexed" in line] == [2]
    history = json.loads(shell.run("image-pipeline", "history", "trip [1]/worse.jpg", "--json").stdout)
    assert [event["run_id"] for event in history] == [warning["run_id"]]


def test_an_error_is_a_line_as_well_and_text_is_for_people(shell: Shell) -> None:
    nowhere = str(shell.library.parent / "nowhere")
    done = shell.run("image-pipeline", "ingest", nowhere)
    [line] = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 2, "wrong usage"
    assert line["level"] == "ERROR" and nowhere in line["message"] and "DIRECTORY" in line["message"]
    done = shell.run("image-pipeline", "verify")
    [line] = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1 and "Nothing was ingested yet" in line["message"]
    done = shell.run("image-pipeline", "verify", log_format="text")
    assert done.stderr.strip().startswith("image-pipeline: ")
    done = shell.run("image-pipeline", "verify", log_format="loud")
    assert done.returncode == 2 and "IMAGE_PIPELINE_LOG_FORMAT" in done.stderr
