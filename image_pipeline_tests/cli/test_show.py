"""Everything that is known of a file is shown, and why nothing is known of another."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from image_pipeline.cli.main import main
from image_pipeline.schema.payload import PAYLOAD
from image_pipeline_tests.cli.conftest import ODD
from image_pipeline_tests.support.library import Pipeline


def show(pipeline: Pipeline, path: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["show", path, *options, "--home", str(pipeline.settings.home)])


def shown(pipeline: Pipeline, path: str) -> dict[str, Any]:
    done = show(pipeline, path, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_json_has_the_payload_and_what_else_is_known(pipeline: Pipeline) -> None:
    found = shown(pipeline, "trip/a.jpg")
    assert list(found) == [*(field.name for field in PAYLOAD), "thumbnail", "quarantine", "copies", "history"]
    assert {name: value for name, value in found.items() if name in pipeline.points()["trip/a.jpg"]} == (
        pipeline.points()["trip/a.jpg"]
    )
    assert (found["camera_model"], found["city"], found["quarantine"]) == ("Canon EOS R5", None, None)
    assert found["keywords"] == ["cat", "=red"]
    thumbnail = Path(found["thumbnail"])
    assert thumbnail.is_absolute() and thumbnail.is_relative_to(pipeline.settings.home) and thumbnail.is_file()
    assert found["copies"] == {"identical": ["same.jpg"], "same_pixels": ["grandma.jpg"]}
    [event] = found["history"]
    assert (event["event"], event["sha256"], event["partition"]) == ("indexed", found["sha256"], "trip")


def test_a_copy_is_identical_or_has_the_same_pixels(pipeline: Pipeline) -> None:
    assert shown(pipeline, "retagged 1.jpg")["copies"] == {"identical": [], "same_pixels": ["retagged 2.jpg"]}
    assert shown(pipeline, "cut.jpg")["copies"] == {"identical": ["trip/cut too.jpg"], "same_pixels": []}
    assert shown(pipeline, f"{ODD}/{ODD}.jpg")["copies"] is None


def test_a_file_in_quarantine(pipeline: Pipeline) -> None:
    found = shown(pipeline, "cut.jpg")
    [entry] = [file for file in pipeline.quarantine() if file.path == "cut.jpg"]
    kept = {"reason": "truncated", "message": entry.message, "since": entry.since, "run_id": entry.run_id}
    assert found["quarantine"] == kept
    assert (found["sha256"], found["width"], found["thumbnail"]) == (entry.sha256, None, None)
    lines = show(pipeline, "cut.jpg").stdout.splitlines()
    assert lines[:2] == ["cut.jpg", f"  in quarantine since {entry.since}: truncated: {entry.message}"]


def test_a_file_that_was_deleted(pipeline: Pipeline) -> None:
    found = shown(pipeline, "gone.png")
    assert [event["event"] for event in found["history"]] == ["indexed", "deleted"]
    assert (found["width"], found["quarantine"]) == (None, None)
    noticed = found["history"][-1]["at"]
    lines = show(pipeline, "gone.png").stdout.splitlines()
    assert lines[1] == f"  deleted from the library; this was noticed at {noticed}"


def test_text_is_grouped_and_has_units(pipeline: Pipeline) -> None:
    lines = show(pipeline, "trip/a.jpg").stdout.splitlines()
    assert lines[0] == "trip/a.jpg"
    titles = [line for line in lines[1:] if line and not line.startswith(" ")]
    assert titles == ["picture", "time", "camera", "words", "file", "origin", "copies", "history"]
    assert "  width               96 pixels" in lines
    assert "  taken_local         2024-05-06 07:08:09" in lines
    assert "  exposure_s          1/250 s" in lines
    assert "  keywords            cat, =red" in lines
    assert "  identical           same.jpg" in lines
    assert "  taken_local         1965-07" in show(pipeline, "grandma.jpg").stdout.splitlines()


def test_a_path_is_taken_in_every_form(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = shown(pipeline, "trip/a.jpg")
    (tmp_path / "link").symlink_to(pipeline.root / "trip")
    for path in (str(pipeline.root / "trip/a.jpg"), str(tmp_path / "link/a.jpg")):
        assert shown(pipeline, path) == whole
    monkeypatch.chdir(pipeline.root / "trip")
    assert shown(pipeline, "a.jpg") == shown(pipeline, "./a.jpg") == whole
    monkeypatch.chdir(tmp_path)
    assert shown(pipeline, "trip/a.jpg") == shown(pipeline, "link/a.jpg") == whole
    assert r"  directory           a\x1b[2J\nb\u202e" in show(pipeline, f"{ODD}/{ODD}.jpg").stdout.splitlines()
    printed = show(pipeline, f"{ODD}/{ODD}.jpg").stdout.splitlines()[0]
    assert printed == r"a\x1b[2J\nb\u202e/a\x1b[2J\nb\u202e.jpg"
    assert shown(pipeline, printed)["path"] == f"{ODD}/{ODD}.jpg"


def test_nothing_is_known_of_a_file(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere.jpg").touch()
    library, outside = pipeline.root, "is outside the library"
    search = "and the store has no record of one: give a path as `image-pipeline search` prints it."
    for path, code, message in (
        ("new.jpg", 1, "new.jpg was not ingested yet: run `image-pipeline ingest`."),
        (
            "notes.txt",
            1,
            "notes.txt is not ingested because files that end in .txt are not pictures: rename it if it is one.",
        ),
        ("trip", 1, "trip is a directory: give the path of a file in it."),
        (str(library), 1, ". is a directory: give the path of a file in it."),
        ("no.jpg", 1, f"There is no file no.jpg in the library {library} or in the current directory, {search}"),
        (f"{library}/no.jpg", 1, f"There is no file {library}/no.jpg, {search}"),
        ("elsewhere.jpg", 2, f"elsewhere.jpg {outside} {library}: give the path of a file in it."),
        ("../../../../no.jpg", 2, f"../../../../no.jpg {outside} {library}: give the path of a file in it."),
        ("/etc/no.jpg", 2, f"/etc/no.jpg {outside} {library}: give the path of a file in it."),
    ):
        done = show(pipeline, path)
        assert (done.exit_code, done.stdout, done.stderr) == (code, "", f"image-pipeline: {message}\n")


def test_before_the_first_ingestion(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["show", "a.jpg", "--home", str(tmp_path / "store")])
    message = "Nothing has been ingested into the store yet: run `image-pipeline ingest DIRECTORY`."
    assert (done.exit_code, done.stderr) == (1, f"image-pipeline: {message}\n")


@pytest.mark.parametrize("command", [["show", "trip/a.jpg"], ["report"]])
def test_no_model_is_loaded(pipeline: Pipeline, command: list[str]) -> None:
    program = f"""
import sys
from image_pipeline.cli.main import main
try:
    main({[*command, "--home", str(pipeline.settings.home)]})
except SystemExit as end:
    assert not end.code
print(sorted({{"torch", "transformers", "dagster"}}.intersection(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
