"""The process of the inference service: when it starts, when it refuses to, and how it ends."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest

from benchmarks.measuring.memory import process_tree
from image_pipeline.inference.wire import CAPTION, EMBED, NPY, to_npy
from image_pipeline_tests.support.inference_service import KEY, InferenceService
from image_pipeline_tests.support.moments import wait_until


def refused(service: InferenceService) -> str:
    """The line with which it refuses to start."""
    with service:
        assert service.process.wait(60) in (1, 2), service.log
    assert len(service.log.splitlines()) == 1, service.log
    return service.log


def test_it_listens_to_others_only_with_a_key(tmp_path: Path) -> None:
    assert "IMAGE_PIPELINE_API_KEY" in refused(InferenceService(tmp_path, "--host", "0.0.0.0"))
    assert "IMAGE_PIPELINE_API_KEY" in refused(InferenceService(tmp_path, "--host", "::"))
    with InferenceService(tmp_path, "--host", "0.0.0.0", IMAGE_PIPELINE_API_KEY=KEY) as service:
        service.wait_until_ready()
        with service.client() as client:
            assert client.post(EMBED, json={"texts": ["a"]}).status_code == 401


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"IMAGE_PIPELINE_API_KEY": "short"}, "openssl rand"),
        ({"IMAGE_PIPELINE_API_KEY_FILE": "/does/not/exist"}, "/does/not/exist"),
        ({"IMAGE_PIPELINE_API_KEY_FILE": "/dev/null"}, "/dev/null holds no API key"),
        ({"IMAGE_PIPELINE_MODELS": "/does/not/exist,none"}, "/does/not/exist"),
        ({"IMAGE_PIPELINE_MODELS": "nonsense"}, "IMAGE_PIPELINE_MODELS"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, environment: dict[str, str], named: str) -> None:
    line = refused(InferenceService(tmp_path, port=None, **environment))
    assert named in line
    assert "short" not in line, "a key is never printed"


def test_a_name_instead_of_an_address_is_refused(tmp_path: Path) -> None:
    assert "127.0.0.1" in refused(InferenceService(tmp_path, "--host", "example.org"))


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        assert f"Port {port} is taken" in refused(InferenceService(tmp_path, port=port))


def test_sigterm_finishes_what_was_taken_and_refuses_what_is_new(tmp_path: Path) -> None:
    images = np.zeros((512, 3, 64, 64), np.uint8)
    with InferenceService(tmp_path) as service, ThreadPoolExecutor() as callers:
        service.wait_until_ready()

        def caption() -> httpx.Response:
            with service.client() as client:
                return client.post(CAPTION, content=to_npy(images), headers={"content-type": NPY})

        taken = [callers.submit(caption) for _ in range(2)]
        with service.client() as client:
            assert wait_until(lambda: "waiting_images 1024.0" in client.get("/metrics").text)
        service.process.terminate()

        def is_closed() -> bool:
            try:
                socket.create_connection(("127.0.0.1", service.port), 5).close()
            except OSError:
                return True
            return False

        assert wait_until(is_closed, 10)
        assert service.process.poll() is None, "it is not finished yet"
        for answer in taken:
            assert len(answer.result().json()["results"]) == 512
        assert service.process.wait(60) == 143


def test_it_ends_while_the_models_are_loaded(tmp_path: Path) -> None:
    with InferenceService(tmp_path) as service:
        with service.client() as client:
            assert wait_until(lambda: _status(client, "/health/live") == 200)
            assert _status(client, "/health/ready") == 503
            assert _status(client, "/api/v1/capabilities") == 503
        began = time.monotonic()
        assert service.end() == 143
        assert time.monotonic() - began < 45


def _status(client: httpx.Client, path: str) -> int:
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 0


def test_nothing_goes_on_if_the_process_of_the_models_is_killed(tmp_path: Path) -> None:
    with InferenceService(tmp_path) as service, service.client() as client:
        assert wait_until(lambda: _status(client, "/health/live") == 200)
        (receiver,) = [pid for pid in process_tree(service.process.pid) if pid != service.process.pid][:1]
        service.process.kill()
        service.process.wait()
        assert wait_until(lambda: not is_alive(receiver), 10)
        assert _status(client, "/health/live") == 0


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is waited for by nobody does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_is_busy_beyond_its_limit(tmp_path: Path) -> None:
    images = to_npy(np.zeros((512, 3, 64, 64), np.uint8))
    with InferenceService(tmp_path) as service, ThreadPoolExecutor(8) as callers:
        service.wait_until_ready()

        def caption(_: int) -> httpx.Response:
            with service.client() as client:
                return client.post(CAPTION, content=images, headers={"content-type": NPY})

        found = list(callers.map(caption, range(8)))
        busy = [answer for answer in found if answer.status_code == 429]
        assert busy, "8 × 512 images are more than may wait"
        assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in busy)
        assert [answer.status_code for answer in found if answer not in busy] == [200] * (8 - len(busy))
