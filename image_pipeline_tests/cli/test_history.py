"""What happened to a file can be found: by whom, when, why."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_pipeline.cli.main import main
from image_pipeline_tests.support.library import Pipeline, draw_scenes


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline.below(tmp_path)


def history(pipeline: Pipeline, path: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["history", path, *options, "--home", str(pipeline.settings.home)])


def events(pipeline: Pipeline, path: str) -> list[str]:
    done = history(pipeline, path, "--json")
    assert done.exit_code == 0, done.stderr
    return [event["event"] for event in json.loads(done.stdout)]


def test_the_life_of_a_file(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "trip", 2)
    draw_scenes(pipeline.root / "other", 2, seed=1)
    file = pipeline.root / "trip/a0.jpg"
    whole = file.read_bytes()
    pipeline.ingest()
    file.write_bytes(whole[: len(whole) // 2])
    pipeline.ingest()
    (pipeline.root / "other/a0.jpg").replace(file)
    pipeline.ingest()
    pipeline.ingest()
    shutil.rmtree(pipeline.root / "trip")
    pipeline.ingest()

    told = json.loads(history(pipeline, "trip/a0.jpg", "--json").stdout)
    assert [event["event"] for event in told] == ["indexed", "quarantined", "released", "deleted"]
    assert list(told[0]) == ["path", "at", "run_id", "event", "partition", "sha256", "reason", "message"]
    assert told[1]["reason"] == "truncated" and told[1]["message"]
    assert len({event["run_id"] for event in told}) == 4 and len({event["sha256"] for event in told}) == 3
    assert events(pipeline, "trip/a1.jpg") == ["indexed", "deleted"]
    assert events(pipeline, "other/a0.jpg") == ["indexed", "deleted"]


def test_a_path_may_be_given_as_it_is_printed_or_as_it_lies_on_disk(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_scenes(pipeline.root / "trip", 1)
    odd = "caf\udce9\n.jpg"
    shutil.copy(pipeline.root / "trip/a0.jpg", pipeline.root / "trip" / odd)
    pipeline.ingest()
    assert events(pipeline, "trip/a0.jpg") == events(pipeline, str(pipeline.root / "trip/a0.jpg")) == ["indexed"]
    assert events(pipeline, f"trip/{odd}") == events(pipeline, "trip/caf\uf7e9\n.jpg") == ["indexed"]
    monkeypatch.chdir(pipeline.root / "trip")
    assert events(pipeline, "a0.jpg") == ["indexed"]

    told = history(pipeline, "trip/a0.jpg")
    assert "indexed" in told.stdout and "run" in told.stdout
    unknown = history(pipeline, "trip/never.jpg")
    assert unknown.exit_code == 1 and "trip/never.jpg" in unknown.stderr and "quarantine" in unknown.stderr
