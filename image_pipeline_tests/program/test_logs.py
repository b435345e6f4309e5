"""Logs for programs: each line of stderr is a JSON object, and tells of which run, directory and file it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from image_pipeline.files.partition import Partition
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.shell import DAGSTER, PROGRAM, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    draw_scenes(tmp_path / "library/trip [1]", 2)
    (tmp_path / "library/trip [1]/bad.jpg").write_bytes(b"no picture")
    return Shell.over_library(tmp_path, DAGSTER_HOME=str(tmp_path / "records"), IMAGE_PIPELINE_LOG_FORMAT="json")


def logs_of(shell: Shell, *arguments: str, program: str = PROGRAM) -> list[dict[str, Any]]:
    done = shell.run(*arguments, program=program)
    assert done.returncode == 0, done.stderr
    assert " - dagster - " not in done.stderr, "nothing is told twice, once for people"
    lines = done.stderr.splitlines()
    if program == DAGSTER:  # Dagster tells of its command line's future before it reads what it is to run
        lines = [line for line in lines if line.startswith("{")]
    return [json.loads(line) for line in lines]


def test_a_command_and_a_run_of_dagster_log_the_same(shell: Shell) -> None:
    logs = logs_of(shell, "ingest")
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
    (shell.home / "library" / "trip [1]/worse.jpg").write_bytes(b"")
    execute = ("job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags", tags)
    logs = logs_of(shell, *execute, program=DAGSTER)
    [warning] = [line for line in logs if line["level"] == "WARNING" and "path" in line]
    assert warning["path"] == "trip [1]/worse.jpg", "the other was in quarantine before"
    assert [line["indexed"] for line in logs if "indexed" in line] == [2]
    history = json.loads(shell.run("history", "trip [1]/worse.jpg", "--json").stdout)
    assert [event["run_id"] for event in history] == [warning["run_id"]]


def test_an_error_is_a_line_as_well_and_text_is_for_people(shell: Shell) -> None:
    nowhere = str(shell.home / "nowhere")
    done = shell.run("ingest", nowhere)
    [line] = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 2, "wrong usage"
    assert line["level"] == "ERROR" and nowhere in line["message"] and "DIRECTORY" in line["message"]
    done = shell.run("verify")
    [line] = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1 and "Nothing has been ingested into the store" in line["message"]
    done = shell.run("verify", IMAGE_PIPELINE_LOG_FORMAT="text")
    assert done.stderr.strip().startswith("image-pipeline: ")
    done = shell.run("verify", IMAGE_PIPELINE_LOG_FORMAT="loud")
    assert done.returncode == 2 and "IMAGE_PIPELINE_LOG_FORMAT" in done.stderr
