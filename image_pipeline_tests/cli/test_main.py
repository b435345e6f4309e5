"""The command line as a program: what it prints, how it ends, what it says of wrong input."""

import json
import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.qdrant_server import QdrantServer, free_port
from image_pipeline.storage.locks import exclusive_lock
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.shell import DAGSTER, Shell


def test_from_a_folder_to_an_answer(shell: Shell, installed_shell: Shell) -> None:
    library = shell.home / "Photos"
    draw_scenes(library / "2024/trip", 3)
    draw_scenes(library / "2024/trip [raw]", 1, seed=1)
    (library / "2024/trip/bad.jpg").write_bytes(b"\xff\xd8\xff")
    summary = installed_shell.json("ingest", str(library))
    assert list(summary) == [
        *("directories", "files", "indexed", "quarantined", "unchanged", "embedded", "captioned", "deleted", "seconds")
    ]
    assert (summary["files"], summary["indexed"], summary["quarantined"], summary["embedded"]) == (5, 4, 1, 4)

    hits = installed_shell.json("search", "a red circle", "--limit", "2")
    assert len(hits) == 2 and {"path", "score", "caption", "sha256"} <= hits[0].keys()
    hits = shell.json("search", "--image", str(library / "2024/trip/a1.jpg"), "--limit", "1")
    assert hits[0]["path"] == "2024/trip/a1.jpg"

    status = shell.json("status")
    assert {"library", "collection", "points", "directories", "quarantined", "models", "qdrant"} < status.keys()
    assert (status["points"], status["directories"], status["library"]) == (4, 2, str(library))
    assert (status["embedder"], status["captioner"], status["dtype"]) == (
        "bundled:embedder",
        "bundled:captioner",
        "auto",
    )
    assert (status["store"], status["next_embedder"]) == (str(shell.home / "store"), None)
    waiting = {"new": 0, "changed": 0, "gone": 0, "files": 0, "directories": 4, "is_whole": True}
    assert status["waiting"] == waiting
    assert {"thumbnails", "tables", "cache", "qdrant-edge", "dagster"} <= status["size"]["parts"].keys()
    assert (status["last_run"]["job"], status["last_run"]["status"]) == ("ingest", "success")
    draw_scenes(library / "2025", 2, seed=2)
    told = shell.run("status", IMAGE_PIPELINE_MODELS="light,none").stdout
    for line in (
        "captions     off",
        "embeddings   bundled:embedder, dtype auto",
        "will replace it once everything is ingested with it",
        "last run     20",
    ):
        assert line in told, told
    assert shell.json("status")["waiting"] == {**waiting, "new": 1, "files": 2, "directories": 5}
    (library / "2025").rename(shell.home / "2025")
    [bad] = shell.json("quarantine")
    assert bad["path"] == "2024/trip/bad.jpg" and bad["reason"] and bad["message"]

    states = shell.json("scan")
    assert states == [
        {"partition": "2024/trip", "files": 4, "state": "ingested"},
        {"partition": "2024/trip %5Braw%5D", "files": 1, "state": "ingested"},
    ]


@pytest.mark.parametrize("written", ["content_hashes", "decoded_tensors"], ids=["decoding", "embedding"])
def test_a_run_that_is_interrupted_says_so_and_can_be_begun_again(shell: Shell, written: str) -> None:
    draw_scenes(shell.home / "Photos/trip", 12)
    run = shell.begin("ingest", "Photos")
    assert wait_until((shell.home / "store/tables" / written).exists)
    os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C does in a terminal, during the step that follows
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.splitlines()[-1].startswith("image-pipeline: Interrupted"), err
    assert "Traceback" not in out + err
    assert shell.json("ingest", "Photos")["indexed"] == 12


def test_records_that_cannot_be_written_are_named_and_the_next_run_goes_on(shell: Shell) -> None:
    draw_scenes(shell.home / "Photos", 1)
    shell.json("scan", str(shell.home / "Photos"))
    full = "CREATE TRIGGER full BEFORE INSERT ON event_logs WHEN NEW.dagster_event_type = 'ASSET_MATERIALIZATION' "
    full += "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    with closing(sqlite3.connect(shell.home / "store/dagster/history/runs/index.db")) as records:
        records.execute(full)
        done = shell.run("ingest", str(shell.home / "Photos"))
        records.execute("DROP TRIGGER full")
    assert done.returncode == 1
    assert "store/dagster cannot be used (database or disk is full): make room" in done.stderr
    assert shell.json("ingest", str(shell.home / "Photos"))["indexed"] == 1


def test_dagster_job_execute_takes_a_partition_and_a_range(shell: Shell) -> None:
    library = shell.home / "Photos"
    for name in ("a", "b", "c"):
        draw_scenes(library / name, 1, seed=ord(name))
    keys = [state["partition"] for state in shell.json("scan", str(library))]
    assert keys == ["a", "b", "c"]

    def execute(tags: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return shell.run(
            *("job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags", json.dumps(tags)),
            program=DAGSTER,
            DAGSTER_HOME=str(shell.home / "store/dagster"),
        )

    assert execute({"dagster/partition": "b"}).returncode == 0
    assert [state["state"] for state in shell.json("scan")] == ["new", "ingested", "new"]
    tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "c"}
    assert execute(tags).returncode == 0
    assert [state["state"] for state in shell.json("scan")] == ["ingested"] * 3
    start, end = tags
    for wrong, sentence in (
        (
            {"dagster/partition": "nowhere"},
            "'nowhere' is not a registered directory: run `image-pipeline scan`, which registers",
        ),
        (
            {start: "a", end: "nowhere"},
            "'nowhere' is not a registered directory: run `image-pipeline scan`, which registers",
        ),
        ({start: "c", end: "a"}, "'a' comes before 'c' in the order in which `image-pipeline scan` prints them"),
        ({}, "The run names no directory: `image-pipeline scan` registers the directories of the library"),
    ):
        done = execute(wrong)
        assert done.returncode == 1 and sentence in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (["ingest", "nowhere"], {}, 2, ["nowhere", "does not exist", "DIRECTORY"]),
        (["ingest", "a file"], {}, 2, ["a file", "is a file", "DIRECTORY"]),
        (["ingest"], {"IMAGE_LIBRARY": "nowhere"}, 1, ["nowhere", "does not exist", "IMAGE_LIBRARY"]),
        (["ingest"], {"IMAGE_LIBRARY": "a file"}, 1, ["a file", "is a file", "IMAGE_LIBRARY"]),
        (["scan", "nowhere"], {}, 2, ["nowhere", "does not exist"]),
        (["adopt", "nowhere"], {}, 2, ["nowhere", "does not exist"]),
        (["search", "--image", "nowhere.jpg"], {}, 2, ["nowhere.jpg", "does not exist"]),
        (["demo-library", "a file"], {}, 2, ["a file", "is a file"]),
        (["demo-library", "library"], {}, 2, ["library", "not empty", "new folder"]),
        (["verify"], {}, 1, ["Nothing has been ingested into the store", "image-pipeline ingest"]),
        (["verify"], {"IMAGE_LIBRARY": "library"}, 1, ["Nothing has been ingested into the", "image-pipeline ingest"]),
        (["ingest"], {}, 2, ["IMAGE_LIBRARY"]),
        (["ingest", "library", "--models", "gigantic"], {}, 2, ["IMAGE_PIPELINE_MODELS", "gigantic", "demo"]),
        (["ingest", "library", "--models", "./no/model,none"], {}, 2, ["no/model", "IMAGE_PIPELINE_MODELS"]),
        (["ingest", "library"], {"QDRANT_URL": "localhost:6333"}, 2, ["QDRANT_URL", "http://"]),
        (["ingest", "library"], {"IMAGE_PIPELINE_PARTITION_SIZE": "0"}, 2, ["IMAGE_PIPELINE_PARTITION_SIZE"]),
        (["scan", "library"], {"DAGSTER_HOME": "a file"}, 2, ["DAGSTER_HOME", "a file"]),
        (["scan", "library"], {"DAGSTER_HOME": "wrong"}, 2, ["DAGSTER_HOME", "wrong", "dagster.yaml"]),
        (["search", "a dog"], {}, 1, ["ingest"]),
        (["search"], {}, 2, ["WORDS", "--image", "--camera"]),
        (["search", "x", "--near", "here"], {}, 2, ["--near", "LAT,LON,KM"]),
        (["search", "x", "--near", "nan,0,5"], {}, 2, ["--near", "-90 to 90"]),
        (["search", "x", "--near", "91,0,5"], {}, 2, ["--near", "-90 to 90"]),
        (["search", "x", "--near", "0,0,inf"], {}, 2, ["--near", "km"]),
        (["search", "x", "--after", "0001-01-01T00:00+14:00"], {}, 2, ["--after", "2024-05-01"]),
    ],
)
def test_wrong_input_is_told_in_a_sentence(
    shell: Shell, arguments: list[str], environment: dict[str, str], code: int, words: list[str]
) -> None:
    draw_scenes(shell.home / "library/trip", 1)
    (shell.home / "a file").write_text("x")
    (shell.home / "wrong").mkdir()
    (shell.home / "wrong/dagster.yaml").write_text("storage: [")
    done = shell.run(*arguments, **environment)
    assert done.returncode == code, done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_qdrant_that_does_not_answer_is_named(shell: Shell) -> None:
    draw_scenes(shell.home / "library/trip", 1)
    shell.run("ingest", "library")
    url = f"http://127.0.0.1:{free_port()}"
    done = shell.run("status", QDRANT_URL=url, QDRANT_GRPC_PORT=str(free_port()))
    assert done.returncode == 1 and url in done.stderr and "QDRANT_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refused_key_is_told_and_nothing_is_lost(shell: Shell, qdrant_binary: Path, tmp_path: Path) -> None:
    draw_scenes(shell.home / "library/trip", 1)
    with QdrantServer(qdrant_binary, tmp_path / "qdrant", api_key="the key") as server:
        address = {"QDRANT_URL": server.url, "QDRANT_GRPC_PORT": str(server.grpc_port)}
        done = shell.run("ingest", "library", QDRANT_API_KEY="another key", **address)
        assert done.returncode == 1 and "QDRANT_API_KEY" in done.stderr and "Traceback" not in done.stderr
        (shell.home / "key").write_text("the key\n")
        done = shell.run("ingest", "library", "--json", QDRANT_API_KEY_FILE=str(shell.home / "key"), **address)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["indexed"] == 1


def test_two_libraries_on_one_server_need_two_names(shell: Shell, qdrant_binary: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        draw_scenes(shell.home / name / "trip", 2, seed=len(name + name))
    with QdrantServer(qdrant_binary, tmp_path / "qdrant") as server:
        address = {"QDRANT_URL": server.url, "QDRANT_GRPC_PORT": str(server.grpc_port)}
        shell.run("ingest", "one", **address)
        other = {**address, "IMAGE_PIPELINE_HOME": str(shell.home / "another store")}
        done = shell.run("ingest", "two", **other)
        assert done.returncode == 1 and "IMAGE_PIPELINE_COLLECTION" in done.stderr and "one" in done.stderr
        assert shell.run("ingest", "two", IMAGE_PIPELINE_COLLECTION="two", **other).returncode == 0
        assert shell.run("verify", **address).returncode == 0, "nothing of the first is touched"
        (shell.home / "one").rename(shell.home / "moved")
        assert shell.run("adopt", "moved").returncode == 0
        assert shell.run("ingest", "moved", **address).returncode == 0, "it is the same library"


def test_a_store_belongs_to_one_library(shell: Shell) -> None:
    draw_scenes(shell.home / "one/trip", 1)
    draw_scenes(shell.home / "two/trip", 1)
    shell.run("ingest", "one")
    done = shell.run("ingest", "two")
    assert done.returncode == 1 and "IMAGE_PIPELINE_HOME" in done.stderr
    (shell.home / "two/trip/a0.jpg").rename(shell.home / "two/trip/b0.jpg")
    done = shell.run("adopt", "two")
    assert done.returncode == 1 and "holds 0 of the 1 files" in done.stderr, "it is another library"
    assert shell.run("status", "--json").stdout.count(str(shell.home / "one")) == 1, "nothing was changed"
    (shell.home / "two/trip/b0.jpg").rename(shell.home / "two/trip/a0.jpg")
    assert shell.run("adopt", "two").returncode == 0
    assert shell.run("ingest", "two").returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        *("ingest", "search", "facets", "status", "quarantine", "scan", "verify", "repair", "history"),
        *("dev", "adopt", "rescue", "forget", "demo-library"),
    ],
)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    done = shell.run(command, "--help")
    assert done.returncode == 0 and "Usage" in done.stdout
    if "--json" in done.stdout:
        assert "The keys of" in done.stdout, "what a program may rely on is told"


@pytest.mark.parametrize(
    ("number", "code", "log_format"), [(signal.SIGINT, 130, "text"), (signal.SIGTERM, 143, "json")]
)
def test_a_command_that_is_ended_says_so_in_its_exit_code(
    shell: Shell, number: signal.Signals, code: int, log_format: str
) -> None:
    """A search that waits for the embedded Qdrant, which this process holds."""
    draw_scenes(shell.home / "Photos/trip", 1)
    assert shell.run("scan", "Photos").returncode == 0
    (shell.home / "store/qdrant-edge").mkdir()

    def said(line: str) -> str:
        return str(json.loads(line)["message"]) if log_format == "json" else line.removeprefix("image-pipeline: ")

    with exclusive_lock(shell.home / "store/qdrant.lock", "the embedded Qdrant"):
        waiting = shell.begin("search", "a red circle", IMAGE_PIPELINE_LOG_FORMAT=log_format)
        assert waiting.stderr is not None
        line = said(waiting.stderr.readline())
        assert line.startswith("Waiting for the embedded Qdrant in "), line
        assert f"in use by process {os.getpid()} (" in line and ") since 20" in line
        waiting.send_signal(number)
        out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == code
    assert [said(line).strip() for line in err.splitlines()] == ["Interrupted: `search` did not finish."] and not out
