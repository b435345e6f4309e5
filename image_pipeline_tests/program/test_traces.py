"""Traces and correlation ids: what one piece of work did in all services, in the real programs."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.qdrant_server import QdrantServer, free_port
from image_pipeline_tests.support.collector import Collector, Span, collecting
from image_pipeline_tests.support.inference_service import KEY, InferenceService
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.shell import Shell

STAGES = {
    "discovered_files",
    "content_hashes",
    "image_metadata",
    "decoded_tensors",
    "embeddings",
    "captions",
    "qdrant_collection",
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[InferenceService]:
    settings = {"IMAGE_PIPELINE_TRACES": collector.url, "IMAGE_PIPELINE_LOG_FORMAT": "json"}
    with InferenceService(tmp_path_factory.mktemp("service"), IMAGE_PIPELINE_API_KEY=KEY, **settings) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def traced(tmp_path: Path, collector: Collector, service: InferenceService, qdrant_server: QdrantServer) -> Shell:
    """Programs over a library of six pictures that use other services for everything, and send traces."""
    draw_scenes(tmp_path / "library", 6, seed=1)
    return Shell(
        tmp_path,
        LANG="C.UTF-8",
        IMAGE_LIBRARY=str(tmp_path / "library"),
        IMAGE_PIPELINE_HOME=str(tmp_path / "store"),
        IMAGE_PIPELINE_COLLECTION=tmp_path.name,
        IMAGE_PIPELINE_LOG_FORMAT="json",
        IMAGE_PIPELINE_TRACES=collector.url,
        IMAGE_PIPELINE_INFERENCE_URL=service.url,
        IMAGE_PIPELINE_INFERENCE_KEY=KEY,
        QDRANT_URL=qdrant_server.url,
        QDRANT_GRPC_PORT=str(qdrant_server.grpc_port),
    )


def logged(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def above(span: Span, spans: list[Span]) -> list[str]:
    """The names of the spans that a span lies within, from the nearest to the first of the trace."""
    by_id = {one.id: one for one in spans}
    names = []
    while span.parent:
        span = by_id[span.parent]
        names.append(span.name)
    return names


def test_a_run_its_stages_and_its_requests_are_one_trace(
    traced: Shell, collector: Collector, service: InferenceService
) -> None:
    done = traced.run("ingest")
    assert done.returncode == 0, done.stderr
    [run_id] = {line["run_id"] for line in logged(done.stderr) if line.get("job") == "ingest"}

    def received() -> list[Span]:
        return [one for one in collector.trace(run_id) if one.service == "image-pipeline-models"]

    assert wait_until(lambda: len(received()) == 2, 30)
    spans = collector.trace(run_id)
    [first] = [one for one in spans if not one.parent]
    assert (first.service, first.name) == ("image-pipeline", "run ingest")
    assert {one.name for one in spans if one.parent == first.id} >= STAGES
    asked = {one.name: above(one, spans) for one in received()}
    assert asked == {
        "POST /api/v1/embed": ["POST", "embeddings", "run ingest"],
        "POST /api/v1/caption": ["POST", "captions", "run ingest"],
    }
    written = [above(one, spans) for one in spans if one.name == "/qdrant.Points/Upsert"]
    assert ["qdrant_collection", "run ingest"] in written
    assert not any(one.has_failed for one in spans)

    answered = [line for line in logged(service.log) if line.get("request_id") == run_id]
    assert {line["message"] for line in answered} == {"POST /api/v1/embed: 200", "POST /api/v1/caption: 200"}


def test_a_search_is_one_trace(traced: Shell, collector: Collector, service: InferenceService) -> None:
    assert traced.run("ingest").returncode == 0
    before = {line.get("request_id") for line in logged(service.log)}
    found = traced.run("search", "a red circle", "--json")
    assert len(json.loads(found.stdout)) > 0
    [search_id] = {line.get("request_id") for line in logged(service.log)} - before
    assert wait_until(lambda: any(one.service == "image-pipeline-models" for one in collector.trace(search_id)), 30)

    spans = collector.trace(search_id)
    [first] = [one for one in spans if not one.parent]
    assert first.name == "search"
    [asked] = [one for one in spans if one.service == "image-pipeline-models" and one.name == "POST /api/v1/embed"]
    assert above(asked, spans) == ["POST", "embed the query", "search"]
    assert any(above(one, spans) == ["query", "search"] for one in spans if one.name.startswith("/qdrant.Points/"))


def test_a_failure_is_in_the_trace_and_its_id_in_the_error(traced: Shell, collector: Collector) -> None:
    broken = traced.run("search", "a red circle", IMAGE_PIPELINE_INFERENCE_KEY="another-key-of-16-letters")
    assert broken.returncode == 1
    [line] = logged(broken.stderr)
    assert "refuses the key" in line["message"] or "no collection" in line["message"]
    assert any(one.has_failed for one in collector.trace(line["request_id"]))


def test_a_collector_that_is_gone_hinders_nothing(traced: Shell) -> None:
    began = time.monotonic()
    done = traced.run("ingest", IMAGE_PIPELINE_TRACES=f"http://127.0.0.1:{free_port()}", IMAGE_PIPELINE_LOG_FORMAT="")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 60
    notices = [line for line in done.stderr.splitlines() if "takes no traces" in line]
    assert len(notices) == 1
    assert "Traceback" not in done.stderr
    assert "6 indexed" in done.stdout


def test_without_the_extra_it_says_what_to_install(traced: Shell) -> None:
    program = "import sys; sys.modules['opentelemetry.sdk'] = None\nfrom image_pipeline.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", program, "ingest"], env=traced.environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "pip install 'image-pipeline[traces]'" in done.stderr


def test_without_the_setting_opentelemetry_is_not_imported(traced: Shell) -> None:
    program = (
        "import sys; sys.modules['opentelemetry.sdk'] = None; sys.modules['opentelemetry.exporter'] = None\n"
        "from image_pipeline.cli.main import run; run()"
    )
    environment = {**traced.environment, "IMAGE_PIPELINE_TRACES": ""}
    done = subprocess.run([sys.executable, "-c", program, "ingest"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
