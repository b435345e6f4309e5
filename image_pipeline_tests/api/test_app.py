"""What the inference service answers to good and bad requests."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from benchmarks.measuring.memory import process_tree
from image_pipeline.inference.wire import BOTH, CAPABILITIES, CAPTION, EMBED, NPY, PRODUCER, from_npy, to_npy
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.settings import DType
from image_pipeline.stages.models import load_inference
from image_pipeline_tests.support.inference_service import KEY, SECOND_KEY, InferenceService
from image_pipeline_tests.support.specimens import specimens

SIZE = 64
"""The height and width of the demo models' input."""


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, SIZE, SIZE), dtype=np.uint8)


def files(*contents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("images", ("a", content)) for content in contents]


def post_array(client: httpx.Client, path: str, array: np.ndarray, **headers: str) -> httpx.Response:
    return client.post(path, content=to_npy(array), headers={"content-type": NPY, **headers})


def error_of(response: httpx.Response) -> dict[str, str]:
    found: dict[str, str] = response.json()["error"]
    assert found["message"].endswith("."), found
    return found


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_inference("demo", DType.AUTO, tmp_path_factory.mktemp("here"))


def test_capabilities_name_what_the_service_has(client: httpx.Client, here: Any) -> None:
    found = client.get(CAPABILITIES).json()
    assert found["embedder"]["producer_text"] == str(here.embedding_producer)
    assert found["captioner"]["producer_text"] == str(here.caption_producer)
    assert found["embedder"]["producer"]["dimension"] == 128
    assert found["embedder"]["batch"] >= 1
    assert found["formats"] == sorted(ImageFormat)
    assert found["device"].startswith(("cpu", "cuda", "mps"))


def test_arrays_give_the_vectors_and_words_of_this_process(client: httpx.Client, here: Any) -> None:
    images = noise(40)
    answer = post_array(client, EMBED, images, accept=NPY)
    vectors = from_npy(answer.content, np.float32, 2)
    assert answer.headers[PRODUCER] == str(here.embedding_producer)
    assert np.min(np.sum(vectors * here.embed_images(images), axis=1)) > 0.99999
    as_json = post_array(client, EMBED, images).json()
    np.testing.assert_allclose(as_json["vectors"], vectors, atol=1e-6)
    captions = post_array(client, CAPTION, images).json()["results"]
    assert [one["caption"]["text"] for one in captions] == [one.text for one in here.caption_images(images)]


def test_texts_are_embedded(client: httpx.Client, here: Any) -> None:
    texts = ["a red circle", "", "ein rotes Haus 🏠", "word " * 1000]
    answer = client.post(EMBED, json={"texts": texts})
    assert np.min(np.sum(np.array(answer.json()["vectors"]) * here.embed_texts(texts), axis=1)) > 0.99999


@pytest.mark.parametrize("path", [EMBED, CAPTION, BOTH])
def test_each_file_has_a_result_or_an_error(client: httpx.Client, path: str) -> None:
    contents = specimens()
    cut = next(content for name, content in contents.items() if name.endswith(".png"))
    answer = client.post(path, files=files(*contents.values(), b"no picture", b"", cut[: len(cut) // 3]))
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert len(results) == len(contents) + 3
    for name, result in zip(contents, results, strict=False):
        assert result["error"] is None, (name, result)
        assert (result["vector"] is None) == (path == CAPTION)
        assert (result["caption"] is None) == (path == EMBED)
    codes = [result["error"]["code"] for result in results[len(contents) :]]
    assert codes == ["unknown_format", "empty", "truncated"]
    assert all(result["vector"] is result["caption"] is None for result in results[len(contents) :])


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({"x-api-key": KEY}, True),
        ({"x-api-key": SECOND_KEY}, True),
        ({"authorization": f"Bearer {KEY}"}, True),
        ({"authorization": f"bearer {SECOND_KEY}"}, True),
        ({}, False),
        ({"x-api-key": ""}, False),
        ({"x-api-key": KEY[:-1]}, False),
        ({"x-api-key": KEY + "x"}, False),
        ({"x-api-key": "# keys of this service"}, False),
        ({"authorization": f"Basic {KEY}"}, False),
        ({"authorization": "Bearer é".encode("latin-1")}, False),
    ],
)
def test_only_holders_of_a_key_are_let_in(service: InferenceService, headers: dict[str, Any], is_let_in: bool) -> None:
    with service.client() as client:
        for path in (CAPABILITIES, "/metrics", "/openapi.json"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == (200 if is_let_in else 401), path
            assert is_let_in or error_of(answer)["code"] == "key"
        for path in (EMBED, CAPTION, BOTH):
            answer = client.post(path, headers=headers, json={})
            assert (answer.status_code == 401) != is_let_in


def test_an_orchestrator_needs_no_key(service: InferenceService) -> None:
    with service.client() as client:
        assert client.get("/health/live").json() == {"status": "alive"}
        assert client.get("/health/ready").json() == {"status": "ready"}


def test_keys_are_replaced_without_a_restart(service: InferenceService) -> None:
    file = service.directory / "keys"
    before, new = file.read_text(), "a-completely-new-key"
    with service.client() as client:
        try:
            file.write_text(f"{new}\n")
            assert client.get(CAPABILITIES, headers={"x-api-key": new}).status_code == 200
            assert client.get(CAPABILITIES, headers={"x-api-key": KEY}).status_code == 401
            file.unlink()
            assert client.get(CAPABILITIES, headers={"x-api-key": new}).status_code == 401
        finally:
            file.write_text(before)
        assert client.get(CAPABILITIES, headers={"x-api-key": KEY}).status_code == 200


@pytest.mark.parametrize(
    "array",
    [
        noise(1)[:, :, :32],
        noise(1)[0],
        noise(1).astype(np.float32),
        np.empty((0, 3, SIZE, SIZE), np.uint8),
        np.asfortranarray(noise(2)),
        np.empty((600, 3, SIZE, SIZE), np.uint8),
    ],
)
def test_arrays_of_other_shapes_are_refused(client: httpx.Client, array: np.ndarray) -> None:
    data = to_npy(array)
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        data = data.replace(b"'fortran_order': False", b"'fortran_order': True ")
    answer = client.post(EMBED, content=data, headers={"content-type": NPY})
    assert answer.status_code == 422
    error_of(answer)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 70_000,
        to_npy(noise(2))[:-1],
        to_npy(noise(2)) + b"x",
        to_npy(noise(1)).replace(b"(1, 3, 64, 64)", b"(1, -3, 64, 6)"),
        to_npy(noise(1)).replace(b"(1, 3, 64, 64)", b"(99999999999,)"),
    ],
)
def test_what_is_no_array_is_refused(client: httpx.Client, data: bytes) -> None:
    answer = client.post(EMBED, content=data, headers={"content-type": NPY})
    assert answer.status_code == 422
    assert error_of(answer)["code"] == "invalid"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"texts": []}',
        b'{"texts": "a"}',
        b'{"texts": [1]}',
        b'{"texts": ["a"], "more": 1}',
        b'{"texts": ["\\ud800"]}',
        b"\xff\xfe",
        json.dumps({"texts": ["a"] * 1000}).encode(),
        json.dumps({"texts": ["a" * 20_000]}).encode(),
        b"[" * 100_000,
    ],
)
def test_texts_that_are_none_are_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post(EMBED, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    error_of(answer)


def test_other_requests_are_refused(client: httpx.Client) -> None:
    assert client.get("/docs").status_code == 404
    assert client.get(EMBED).status_code == 405
    assert client.post(EMBED, content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post(BOTH, content=to_npy(noise(1)), headers={"content-type": NPY}).status_code == 415
    assert client.post(EMBED, files={"other": b"x"}).status_code == 422
    assert client.post(EMBED, data={"images": "x"}, files={"images": b"x"}).status_code == 422
    assert client.post(EMBED, content=b"x", headers={"content-type": "multipart/form-data"}).status_code == 400
    assert client.post(EMBED, files=files(*[b"x"] * 600)).status_code in (400, 422)


def test_a_body_that_is_too_large_is_refused_before_it_arrives(service: InferenceService) -> None:
    with closing(socket.create_connection(("127.0.0.1", service.port), 10)) as connection:
        head = f"POST {EMBED} HTTP/1.1\r\nhost: a\r\nx-api-key: {KEY}\r\ncontent-type: {NPY}\r\n"
        connection.sendall(f"{head}content-length: {1 << 40}\r\n\r\n".encode())
        assert b" 413 " in connection.recv(1000)
    with closing(socket.create_connection(("127.0.0.1", service.port), 10)) as connection:
        connection.sendall(f"POST {EMBED} HTTP/1.1\r\nhost: a\r\ncontent-length: {1 << 40}\r\n\r\n".encode())
        assert b" 401 " in connection.recv(1000), "without a key, nothing of a body is read"


def test_many_callers_at_once_get_their_own_results(service: InferenceService, here: Any) -> None:
    arrays = [noise(1 + number % 5, seed=number) for number in range(40)]

    def embed(array: np.ndarray) -> np.ndarray:
        with service.client(headers={"x-api-key": KEY}) as client:
            return from_npy(post_array(client, EMBED, array, accept=NPY).content, np.float32, 2)

    with ThreadPoolExecutor(16) as callers:
        found = list(callers.map(embed, arrays))
    for array, vectors in zip(arrays, found, strict=True):
        assert np.min(np.sum(vectors * here.embed_images(array), axis=1)) > 0.9999


def test_bodies_of_no_or_unknown_length_disturb_no_other_caller(service: InferenceService, here: Any) -> None:
    images = noise(100)
    body = to_npy(images)

    def embed(content: Any) -> httpx.Response:
        with service.client(headers={"x-api-key": KEY, "content-type": NPY, "accept": NPY}) as client:
            return client.post(EMBED, content=content)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    with ThreadPoolExecutor(16) as callers:
        contents = [chunks() if number % 3 == 0 else b"" if number % 3 == 1 else body for number in range(30)]
        answers = list(callers.map(embed, contents))
    expected = here.embed_images(images)
    for number, answer in enumerate(answers):
        if number % 3 == 1:
            assert answer.status_code == 422
        else:
            vectors = from_npy(answer.content, np.float32, 2)
            assert np.min(np.sum(vectors * expected, axis=1)) > 0.9999
    assert embed(chunk for _ in range(30) for chunk in chunks()).status_code == 422, "more than may be sent at a time"


@pytest.mark.parametrize("length", ["0" * 20 + "99999999999999", "1" * 5000, "-1", "²"])
def test_lengths_that_are_none_are_refused(service: InferenceService, length: str) -> None:
    with closing(socket.create_connection(("127.0.0.1", service.port), 10)) as connection:
        head = f"POST {EMBED} HTTP/1.1\r\nhost: a\r\nx-api-key: {KEY}\r\ncontent-type: {NPY}\r\n"
        connection.sendall(f"{head}content-length: {length}\r\n\r\n".encode("latin-1"))
        assert re.match(rb"HTTP/1.1 4(00|13) ", connection.recv(1000))


def test_a_client_that_goes_away_costs_nothing(service: InferenceService) -> None:
    with service.client(headers={"x-api-key": KEY}) as client:
        for _ in range(4):
            with pytest.raises(httpx.ReadTimeout):
                client.post(CAPTION, content=to_npy(noise(500)), headers={"content-type": NPY}, timeout=0.4)
        began = time.monotonic()
        while b"waiting_images 0.0" not in client.get("/metrics").content:
            assert time.monotonic() - began < 30
            time.sleep(0.1)
        assert client.post(EMBED, json={"texts": ["a"]}).status_code == 200


def test_metrics_count_requests_and_images(client: httpx.Client) -> None:
    def counted(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    before = counted('image_pipeline_inference_images_total{model="embeddings"}')
    post_array(client, EMBED, noise(7))
    client.get("/not/a/path/of/ours")
    assert counted('image_pipeline_inference_images_total{model="embeddings"}') == before + 7
    assert counted('image_pipeline_inference_requests_total{path="other",status="404"}') >= 1


def test_the_description_of_the_interface_is_right(service: InferenceService) -> None:
    """Schemathesis makes requests from the description, good and bad, and compares what comes back with it."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.url}/openapi.json", "--no-color"]
    options = [
        "--header",
        f"x-api-key: {KEY}",
        "--max-examples",
        "30",
        "--seed",
        "1",
        "--phases",
        "examples,coverage,fuzzing",
    ]
    found = subprocess.run([*command, *options], capture_output=True, text=True, cwd=service.directory, timeout=250)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


def test_it_grows_by_nothing(service: InferenceService, client: httpx.Client) -> None:
    processes = [Path(f"/proc/{pid}") for pid in process_tree(service.process.pid)]
    assert len(processes) >= 2, "the models, and what receives requests"
    picture = next(iter(specimens().values()))

    def resident_kilobytes() -> int:
        found = [re.findall(r"VmRSS:\s+(\d+)", (process / "status").read_text())[0] for process in processes]
        return sum(map(int, found))

    def work(times: int) -> int:
        for _ in range(times):
            post_array(client, EMBED, noise(1))
            client.post(EMBED, json={"texts": ["a"]})
        client.post(BOTH, files=files(picture, b"no picture"))
        return sum(len(list((process / "fd").iterdir())) for process in processes)

    work(20)
    handles, before = work(20), resident_kilobytes()
    assert work(200) <= handles + 2
    assert resident_kilobytes() < before + 30_000
    assert not list(Path(service.directory).rglob("image-pipeline-*")), "no upload is left behind"
