"""Ingesting and searching with the models of an inference service, in the real programs."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from image_pipeline.collection.connection import address_of
from image_pipeline.errors import PipelineError
from image_pipeline.inference import service_client
from image_pipeline.orchestration.assets import step
from image_pipeline_tests.support.inference_service import KEY, InferenceService
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.raw_qdrant import held_points
from image_pipeline_tests.support.shell import PROGRAM


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(tmp_path_factory.mktemp("service"), IMAGE_PIPELINE_API_KEY=KEY) as running:
        running.wait_until_ready()
        yield running


def pipeline(directory: Path, **given: Any) -> Pipeline:
    directory.mkdir()
    made = Pipeline.below(directory, models="demo", **given)
    for number in range(3):
        draw_scenes(made.root / str(number), 12, seed=number)
    (made.root / "bad.jpg").write_bytes(b"no picture")
    return made


def values(made: Pipeline) -> dict[str, tuple[np.ndarray, str, dict[str, Any]]]:
    """Vector, words and payload of each file, without what differs between two runs."""
    points = held_points(address_of(made.settings), made.settings.collection)
    found = {}
    for point in points:
        payload = {name: value for name, value in point.payload.items() if name not in ("run_id", "ingested_at")}
        confidence, digest = payload.pop("caption_confidence"), payload.pop("digest")
        assert 0 < confidence <= 1
        assert digest
        found[payload["path"]] = np.asarray(point.vector), payload["caption"], payload
    return found


def test_a_service_gives_the_same_vectors_words_and_producers(tmp_path: Path, service: InferenceService) -> None:
    here = pipeline(tmp_path / "here")
    there = pipeline(tmp_path / "there", inference_url=service.url, inference_key=KEY)
    first, second = here.ingest(), there.ingest()
    assert (first.embedded, first.captioned, first.indexed) == (36, 36, 36)
    assert (second.embedded, second.captioned, second.indexed) == (36, 36, 36)
    mine, theirs = values(here), values(there)
    assert mine.keys() == theirs.keys()
    for path, (vector, words, payload) in mine.items():
        other_vector, other_words, other_payload = theirs[path]
        cosine = vector @ other_vector / np.linalg.norm(vector) / np.linalg.norm(other_vector)
        assert cosine > 0.99999
        assert (words, payload) == (other_words, other_payload)


def test_a_store_goes_from_one_to_the_other_without_a_model(tmp_path: Path, service: InferenceService) -> None:
    here = pipeline(tmp_path / "here")
    assert here.ingest().embedded == 36
    again = here.with_settings(inference_url=service.url, inference_key=KEY).ingest()
    assert (again.embedded, again.captioned, again.unchanged) == (0, 0, 36)


def test_ctrl_c_ends_a_run_that_waits_for_the_service(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    with InferenceService(tmp_path / "service") as service:
        service.wait_until_ready()
        made = pipeline(tmp_path / "made")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "IMAGE_PIPELINE_HOME": str(made.settings.home),
            "IMAGE_PIPELINE_INFERENCE_URL": service.url,
        }
        command = [PROGRAM, "ingest", str(made.root)]
        with subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as run:
            assert wait_until((made.settings.home / "tables/content_hashes").exists)
            service.process.send_signal(signal.SIGSTOP)  # its connections stay open, and nothing is answered
            assert wait_until(lambda: (made.settings.home / "tables/decoded_tensors").exists())
            time.sleep(1)
            run.send_signal(signal.SIGINT)
            began = time.monotonic()
            assert run.wait(30) == 130
            assert time.monotonic() - began < 15
            assert run.stderr is not None
            assert "Interrupted" in run.stderr.read()
        service.process.send_signal(signal.SIGCONT)


def run(made: Pipeline, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    usual = {
        "PATH": os.environ["PATH"],
        "HOME": str(made.settings.home.parent),
        "IMAGE_PIPELINE_HOME": str(made.settings.home),
    }
    return subprocess.run(
        [PROGRAM, *arguments], env={**usual, **environment}, capture_output=True, text=True, timeout=120
    )


def test_a_search_imports_no_torch(tmp_path: Path, service: InferenceService) -> None:
    made = pipeline(tmp_path / "made", inference_url=service.url, inference_key=KEY)
    made.ingest()
    (tmp_path / "key").write_text(KEY)
    remote = {"IMAGE_PIPELINE_INFERENCE_URL": service.url, "IMAGE_PIPELINE_INFERENCE_KEY_FILE": str(tmp_path / "key")}
    hidden = tmp_path / "hidden/sitecustomize.py"
    hidden.parent.mkdir()
    hidden.write_text("import sys\nfor name in ('torch', 'open_clip', 'transformers'): sys.modules[name] = None\n")
    found = run(made, "search", "a", "red", "circle", "--json", PYTHONPATH=str(hidden.parent), **remote)
    assert found.returncode == 0, found.stderr
    assert "red" in json.loads(found.stdout)[0]["caption"]
    assert found.stderr == ""


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"IMAGE_PIPELINE_INFERENCE_KEY": "a wrong key, of course"}, "refuses the key"),
        ({}, "refuses the key"),
        ({"IMAGE_PIPELINE_INFERENCE_KEY": KEY, "IMAGE_PIPELINE_MODELS": "light"}, "IMAGE_PIPELINE_MODELS names"),
        ({"IMAGE_PIPELINE_INFERENCE_URL": "http://127.0.0.1:9"}, "does not answer"),
        ({"IMAGE_PIPELINE_INFERENCE_URL": "localhost:8500"}, "must begin with http"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, service: InferenceService, environment: dict[str, str], said: str
) -> None:
    made = pipeline(tmp_path / "made")
    remote = {"IMAGE_PIPELINE_INFERENCE_URL": service.url, **environment}
    found = run(made, "ingest", str(made.root), **remote)
    assert found.returncode in (1, 2)
    lines = found.stderr.splitlines()
    assert said in lines[-1], found.stderr
    assert KEY not in found.stderr
    assert len([line for line in lines if "Traceback" in line]) == 0


@pytest.mark.parametrize(
    ("url", "said"), [("http://127.0.0.1:9", "does not answer"), (None, "start it with bundled:embedder, or")]
)
def test_a_search_without_its_service_says_so_where_no_model_can_run(
    tmp_path: Path, service: InferenceService, clip_directory: Path, url: str | None, said: str
) -> None:
    """The service is gone, or has come back with a different model."""
    made = pipeline(tmp_path / "made", inference_url=service.url, inference_key=KEY)
    made.ingest()
    hidden = tmp_path / "hidden/sitecustomize.py"
    hidden.parent.mkdir()
    hidden.write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'torch' else find(name, *a)\n"
    )
    (tmp_path / "other").mkdir()
    models = f"{clip_directory},none"
    with InferenceService(tmp_path / "other", IMAGE_PIPELINE_MODELS=models) as other:
        other.wait_until_ready()
        found = run(
            made, "search", "a red circle", IMAGE_PIPELINE_INFERENCE_URL=url or other.url, PYTHONPATH=str(hidden.parent)
        )
    assert found.returncode == 1
    [line] = found.stderr.splitlines()
    assert said in line
    assert "IMAGE_PIPELINE_INFERENCE_URL to an" not in line


def test_a_service_that_comes_back_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_client, "PATIENT_SECONDS", 0.5)
    monkeypatch.setattr(step, "TRANSIENT_RETRY", step.TRANSIENT_RETRY._replace(delay=0.1))
    (tmp_path / "service").mkdir()
    with InferenceService(tmp_path / "service") as service:
        service.wait_until_ready()
        made = pipeline(tmp_path / "made", inference_url=service.url)
        assert made.ingest().embedded == 36
        service.end()
        draw_scenes(made.root / "new", 3, seed=77)
        with pytest.raises(PipelineError, match="serve-models"):
            made.ingest()
    with InferenceService(tmp_path / "service", port=service.port) as again:
        again.wait_until_ready()
        assert made.ingest().embedded == 3
        assert len(made.points()) == 39
