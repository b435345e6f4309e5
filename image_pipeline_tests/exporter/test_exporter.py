"""`image-pipeline serve-metrics`, as Prometheus sees it."""

import sqlite3
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.served import KEY, Served
from image_pipeline_tests.support.shell import Shell


def _metrics(served: Served, key: str = KEY) -> dict[tuple[str, ...], float]:
    """The values, by name and values of labels."""
    answer = served.get("/metrics", Authorization=f"Bearer {key}")
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell.over_library(tmp_path, IMAGE_PIPELINE_API_KEY=KEY)
    draw_scenes(tmp_path / "library/lake", 3)
    (tmp_path / "library/lake/broken.jpg").write_bytes(b"\xff\xd8\xff and nothing else")
    return shell


def test_the_library_and_the_runs_are_counted(shell: Shell) -> None:
    assert shell.run("ingest").returncode == 0
    with Served(shell.home, shell.environment, "serve-metrics") as served:
        before = _metrics(served)
        assert before[("image_pipeline_files", "indexed")] == 3
        assert before[("image_pipeline_files", "quarantined")] == 1
        assert before[("image_pipeline_directories",)] == 1
        [reason] = [key[1] for key in before if key[0] == "image_pipeline_quarantined_files"]
        assert reason in ("truncated", "corrupt")
        assert before[("image_pipeline_runs", "success")] == 1
        assert before[("image_pipeline_runs", "failure")] == 0
        assert before[("image_pipeline_library_up",)] == before[("image_pipeline_runs_up",)] == 1
        # what the stages do is counted from the start of the exporter
        assert before[("image_pipeline_stage_images_total", "decoded_tensors")] == 0
        draw_scenes(shell.home / "library/hills", 2, seed=3)
        assert shell.run("ingest").returncode == 0
        after = _metrics(served)
        assert after[("image_pipeline_files", "indexed")] == 5
        assert after[("image_pipeline_stage_images_total", "decoded_tensors")] == 2
        assert after[("image_pipeline_stage_images_total", "embeddings")] == 2
        assert after[("image_pipeline_stage_seconds_total", "embeddings")] > 0
        again = _metrics(served)
        stages = [key for key in after if key[0].startswith("image_pipeline_stage")]
        assert {key: again[key] for key in stages} == {key: after[key] for key in stages}, "a run was counted twice"


def test_metrics_need_the_key_and_health_does_not(shell: Shell) -> None:
    with Served(shell.home, shell.environment, "serve-metrics") as served:
        assert served.get("/health").status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"x_api_key": ""}):
            answer = served.get("/metrics", **headers)
            assert answer.status_code == 401
            assert "image_pipeline_files" not in answer.text
        assert served.get("/metrics", x_api_key=KEY).status_code == 200


def test_other_machines_are_not_served_without_a_key(shell: Shell) -> None:
    refused = shell.run("serve-metrics", "--host", "0.0.0.0", IMAGE_PIPELINE_API_KEY="")
    assert refused.returncode == 2
    assert "IMAGE_PIPELINE_API_KEY" in refused.stderr


def test_records_that_cannot_be_read_do_not_hide_the_others(shell: Shell) -> None:
    assert shell.run("ingest").returncode == 0
    with Served(shell.home, shell.environment, "serve-metrics") as served:
        with sqlite3.connect(shell.home / "store/ledger.sqlite") as ledger:
            ledger.execute("ALTER TABLE partition RENAME TO elsewhere")
        metrics = _metrics(served)
        assert metrics[("image_pipeline_library_up",)] == 0
        assert metrics[("image_pipeline_runs_up",)] == 1
        assert metrics[("image_pipeline_runs", "success")] == 1
