"""The client of the inference service, against services that misbehave."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from image_pipeline.errors import ModelError
from image_pipeline.inference import service_client
from image_pipeline.inference.remote_models import IN_FLIGHT, RemoteEmbedder
from image_pipeline.inference.service_client import InferenceUnavailableError, ServiceClient
from image_pipeline.inference.wire import CAPABILITIES, CAPTION, EMBED, NPY, PRODUCER, from_npy, to_npy
from image_pipeline_tests.inference.test_wire import CAPTIONS, EMBEDDING, capabilities

Answer = tuple[int, dict[str, str], bytes]
IMAGES = np.zeros((3, 3, 224, 200), np.uint8)


def as_json(content: Any, status: int = 200, **headers: str) -> Answer:
    return status, {"content-type": "application/json", **headers}, json.dumps(content).encode()


def vectors(count: int) -> np.ndarray:
    found = np.zeros((count, 512), np.float32)
    found[:, 0] = 1
    return found


def as_array(found: np.ndarray, producer: str = str(EMBEDDING)) -> Answer:
    return 200, {"content-type": NPY, PRODUCER: producer}, to_npy(found)


class Stub:
    """A service that answers what a test says; `asked` are the paths of the requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[bytes], Answer | None]] = {
            CAPABILITIES: lambda _: as_json(dataclasses.asdict(capabilities()))
        }

    @contextmanager
    def running(self) -> Iterator[str]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                stub.asked.append(self.path)
                answer = stub.answers[self.path](body)
                if answer is None:  # hang up
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def client(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceClient]:
    monkeypatch.setattr(service_client, "PATIENT_SECONDS", 2.0)
    monkeypatch.setattr(service_client, "IMPATIENT_SECONDS", 1.0)
    monkeypatch.setattr(service_client, "_FIRST_PAUSE", 0.05)
    with stub.running() as url:
        yield ServiceClient(url, "a key")


def test_images_and_texts_are_embedded(stub: Stub, client: ServiceClient) -> None:
    stub.answers[EMBED] = lambda body: (
        as_array(vectors(len(from_npy(body, np.uint8, 4))))
        if body.startswith(b"\x93NUMPY")
        else as_json({"producer": str(EMBEDDING), "vectors": vectors(len(json.loads(body)["texts"])).tolist()})
    )
    np.testing.assert_array_equal(client.embed(IMAGES), vectors(3))
    np.testing.assert_array_equal(client.embed_texts(["a", "\ud800", "c"]), vectors(3))
    assert client.embed_texts([]).shape == (0, 512)


@pytest.mark.parametrize(
    "answer",
    [
        as_array(vectors(2)),
        as_array(vectors(3)[:, :511]),
        as_array(vectors(3) * np.float32(np.nan)),
        as_array(vectors(3) * 2),
        as_array(vectors(3).astype(np.float64)),
        as_json({"vectors": []}),
        (200, {}, b"<html>"),
        (200, {PRODUCER: str(EMBEDDING)}, b""),
    ],
)
def test_wrong_vectors_are_never_taken(stub: Stub, client: ServiceClient, answer: Answer) -> None:
    stub.answers[EMBED] = lambda _: answer
    with pytest.raises(ModelError, match=r"inference service at http://127"):
        client.embed(IMAGES)


@pytest.mark.parametrize(
    "results",
    [
        [{"caption": {"text": "a", "confidence": 0.5}}] * 2,
        [{"caption": {"text": "a", "confidence": 7}}] * 3,
        [{"caption": {"text": None, "confidence": 0.5}}] * 3,
        [{"caption": None, "error": {"code": "x", "message": "y"}}] * 3,
        None,
    ],
)
def test_wrong_captions_are_never_taken(stub: Stub, client: ServiceClient, results: Any) -> None:
    stub.answers[CAPTION] = lambda _: as_json({"caption_producer": str(CAPTIONS), "results": results})
    with pytest.raises(ModelError, match="a wrong answer"):
        client.caption(IMAGES)


def test_a_model_that_changes_meanwhile_is_named(stub: Stub, client: ServiceClient) -> None:
    stub.answers[EMBED] = lambda _: as_array(vectors(3), "embedding another@model")
    with pytest.raises(
        ModelError, match=r"has changed its model from embedding a/b@c0ffee .* to embedding another@model"
    ):
        client.embed(IMAGES)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (as_json({"error": {"code": "key", "message": "No."}}, 401), "IMAGE_PIPELINE_INFERENCE_KEY"),
        (as_json({"detail": "Not Found"}, 404), "IMAGE_PIPELINE_INFERENCE_URL"),
        (as_json({"protocol": 2}), "speaks version 2 of the protocol, this program version 1"),
        (as_json({"title": "a search engine"}), "not that of an inference service"),
        ((200, {}, b"<html>"), "no JSON"),
    ],
)
def test_another_service_is_told_apart(stub: Stub, client: ServiceClient, answer: Answer, said: str) -> None:
    stub.answers[CAPABILITIES] = lambda _: answer
    with pytest.raises(ModelError, match=said) as caught:
        assert client.capabilities
    assert not caught.value.transient
    assert len(stub.asked) == 1, "asking again would change nothing"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        as_json({"error": {"code": "busy", "message": "Too many."}}, 429, **{"retry-after": "0"}),
        as_json({"error": {"code": "loading", "message": "Wait."}}, 503),
        (502, {}, b"<html>"),
    ],
)
def test_a_service_that_is_away_or_busy_is_asked_again(
    stub: Stub, client: ServiceClient, answer: Answer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_client, "PATIENT_SECONDS", 60.0)
    stub.answers[EMBED] = lambda _: as_array(vectors(3)) if stub.asked.count(EMBED) > 3 else answer
    assert client.embed(IMAGES).shape == (3, 512)
    assert stub.asked.count(EMBED) == 4


def test_a_service_that_stays_away_ends_the_wait(stub: Stub, client: ServiceClient) -> None:
    stub.answers[EMBED] = lambda _: None
    began = time.monotonic()
    with pytest.raises(InferenceUnavailableError, match="serve-models") as caught:
        client.embed(IMAGES)
    assert caught.value.transient
    assert 0.5 < time.monotonic() - began < 5
    with pytest.raises(InferenceUnavailableError, match="does not answer"):
        assert ServiceClient("http://127.0.0.1:9", None).capabilities


def test_several_batches_are_on_their_way_and_come_back_in_order(stub: Stub, client: ServiceClient) -> None:
    together = threading.Barrier(IN_FLIGHT)

    def embed(body: bytes) -> Answer:
        images = from_npy(body, np.uint8, 4)
        if images[0, 0, 0, 0] < 32 * IN_FLIGHT:
            together.wait(30)  # the first batches are answered once all of them are here
        time.sleep(0.05 if images[0, 0, 0, 0] == 0 else 0)  # the first batch comes back last
        found = np.zeros((len(images), 512), np.float32)
        found[np.arange(len(images)), images[:, 0, 0, 0]] = 1
        return as_array(found)

    stub.answers[EMBED] = embed
    images = np.zeros((200, 3, 224, 200), np.uint8)
    images[:, 0, 0, 0] = np.arange(200)
    embedder = RemoteEmbedder(client)
    found = list(embedder.embed_batches(images))
    assert [rows for rows, _ in found] == [slice(start, min(start + 32, 200)) for start in range(0, 200, 32)]
    assert np.concatenate([part for _, part in found]).argmax(axis=1).tolist() == list(range(200))
    assert embedder.throughput is not None
    assert embedder.throughput.images == 200


def test_the_first_failure_ends_the_batches(stub: Stub, client: ServiceClient) -> None:
    stub.answers[EMBED] = lambda _: as_json({"error": {"code": "failed", "message": "Out of memory."}}, 500)
    with pytest.raises(ModelError, match="status 500: Out of memory"):
        list(RemoteEmbedder(client).embed_batches(np.zeros((500, 3, 224, 200), np.uint8)))
    assert stub.asked.count(EMBED) <= 2 * IN_FLIGHT
