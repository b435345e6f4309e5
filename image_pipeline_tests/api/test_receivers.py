"""Several processes that receive requests for the models of one."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from image_pipeline.api.receivers import Receivers
from image_pipeline.api_keys import Keys
from image_pipeline.http_server import listen
from image_pipeline.inference.wire import EMBED, NPY, ServiceLimits, from_npy, to_npy
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.services.model_service import ModelService
from image_pipeline.settings import DType
from image_pipeline.stages.models import LocalInference, load_inference
from image_pipeline_tests.support.moments import wait_until

COUNT = 3


class Running:
    """A service in this process, with several receivers, as on a GPU."""

    def __init__(self, inference: LocalInference) -> None:
        self.inference = inference
        limits = ServiceLimits()
        listener = listen(0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.receivers = Receivers(listener, Keys(), limits)
        self.service = ModelService(inference, DecodeLimits(), 1, limits, self.receivers.waiting)
        self.thread = threading.Thread(target=self.receivers.run, args=(self.service,))

    @property
    def pids(self) -> set[int]:
        return {receiver.process.pid for receiver in self.receivers._running if receiver.process.poll() is None}

    def embed(self, images: np.ndarray) -> np.ndarray:
        """The vectors of images, by a connection of its own."""
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            answer = client.post(EMBED, content=to_npy(images), headers={"content-type": NPY, "accept": NPY})
            assert answer.is_success, answer.text
            return from_npy(answer.content, np.float32, 2)

    def metrics(self) -> str:
        return httpx.get(f"{self.url}/metrics", timeout=60, trust_env=False).text

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=60, trust_env=False).is_success
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    inference = load_inference("demo,none", DType.AUTO, tmp_path_factory.mktemp("home"))
    made = Running(inference)
    with made.service:
        made.thread.start()
        made.service.load()
        made.receivers.set_ready(made.service.capabilities, COUNT)
        try:
            assert wait_until(lambda: len(made.pids) == COUNT and made.is_ready(), 60)
            yield made
        finally:
            made.receivers.end()
            made.thread.join(60)
    assert not made.thread.is_alive()


def noise(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 64, 64), dtype=np.uint8)


def counted(metrics: str, name: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name))


def test_each_caller_gets_its_own_vectors_and_the_metrics_are_those_of_all(running: Running) -> None:
    name = f'image_pipeline_inference_requests_total{{path="{EMBED}",status="200"}}'
    before = counted(running.metrics(), name)
    arrays = [noise(1 + number % 7, number) for number in range(60)]
    with ThreadPoolExecutor(20) as callers:
        found = list(callers.map(running.embed, arrays))
    for array, vectors in zip(arrays, found, strict=True):
        assert np.min(np.sum(vectors * running.inference.embed_images(array), axis=1)) > 0.9999
    metrics = [running.metrics() for _ in range(6)]  # each by a connection of its own, so by any receiver
    assert {counted(text, name) - before for text in metrics} == {60}
    assert all("image_pipeline_inference_waiting_images 0.0" in text for text in metrics)


def test_a_receiver_that_dies_is_replaced_and_what_it_had_taken_is_forgotten(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    victim = next(iter(running.pids))
    os.kill(victim, signal.SIGKILL)
    assert wait_until(lambda: victim not in running.pids and len(running.pids) == COUNT, 30)
    assert wait_until(lambda: "exit code -9" in caplog.text, 10)
    for seed in range(10):
        images = noise(2, seed)
        assert np.min(np.sum(running.embed(images) * running.inference.embed_images(images), axis=1)) > 0.9999
    assert running.receivers.waiting.images == 0


def test_one_that_hangs_delays_no_other(running: Running) -> None:
    hanging = next(iter(running.pids))
    with ThreadPoolExecutor(30) as callers:
        os.kill(hanging, signal.SIGSTOP)
        try:
            waiting = [callers.submit(running.embed, noise(1, seed)) for seed in range(30)]
            assert wait_until(lambda: sum(one.done() for one in waiting) >= 10, 30)
        finally:
            os.kill(hanging, signal.SIGCONT)
        assert all(len(one.result(60)) == 1 for one in waiting), "those that it had accepted are answered afterwards"


def test_receivers_that_cannot_begin_end_the_service_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("image_pipeline.api.receivers.command", lambda *_: ["/bin/false"])
    made = Running(load_inference("demo,none", DType.AUTO, tmp_path))
    with made.service, pytest.raises(Exception, match=r"end as soon as they begin \(exit code 1\)"):
        made.receivers.run(made.service)
