"""`python -m benchmarks.service_memory`: the memory of an inference service over thousands of requests.

Requests of every kind, some of which are refused, go to `image-pipeline serve-models` with the demo models. Prints the
memory of the service and its decoders from time to time, and the number of answers by status.
"""

import argparse
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from benchmarks.inputs.libraries import library
from benchmarks.inputs.photographs import Kind
from benchmarks.measuring.memory import held_bytes, process_tree
from benchmarks.measuring.process import environment, installed_program
from benchmarks.qdrant_server import free_port
from image_pipeline.inference.wire import BOTH, CAPABILITIES, CAPTION, EMBED, NPY, to_npy

_CALLERS = 4
_PICTURES = 8
_STEPS = 10
_START_SECONDS = 120.0


def main() -> None:
    """Send the requests, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service_memory", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    requests = parser.parse_args().requests
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="image-pipeline-bench-") as home:
        settings = {"IMAGE_PIPELINE_HOME": home, "IMAGE_PIPELINE_MODELS": "demo"}
        command = installed_program("image-pipeline", "serve-models", "--port", str(port))
        with subprocess.Popen(command, env=environment(settings)) as service:
            try:
                _send(f"http://127.0.0.1:{port}", service.pid, requests)
            finally:
                service.terminate()


def _send(url: str, pid: int, requests: int) -> None:
    ends_at = time.monotonic() + _START_SECONDS
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
        while not _is_ready(client):
            if time.monotonic() > ends_at:
                raise RuntimeError("the service did not start")
            time.sleep(0.5)
        kinds = _kinds(client)
        statuses: Counter[int] = Counter()
        with ThreadPoolExecutor(_CALLERS) as callers:
            for step in range(_STEPS + 1):
                numbers = range(requests * step // _STEPS - requests // _STEPS, requests * step // _STEPS)
                if step:
                    statuses.update(callers.map(lambda number: kinds[number % len(kinds)](), numbers))
                processes = process_tree(pid)
                files = sum(1 for one in processes for _ in Path(f"/proc/{one}/fd").iterdir())
                pss, anonymous = map(sum, zip(*map(held_bytes, processes), strict=True))
                print(
                    f"{max(0, numbers.stop):>6,} requests: {pss / 1e6:,.0f} MB, of which {anonymous / 1e6:,.0f} MB are "
                    f"anonymous; {files} open files in {len(processes)} processes",
                    flush=True,
                )
    print("answers: " + ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items())))


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").is_success
    except httpx.TransportError:
        return False


def _kinds(client: httpx.Client) -> list[Callable[[], int]]:
    """Each kind of request: sends it, and returns the status of the answer."""
    rng = np.random.default_rng(5)
    served = client.get(CAPABILITIES).json()["embedder"]["producer"]["input"]
    array = to_npy(rng.integers(0, 256, (4, 3, served["height"], served["width"]), np.uint8))
    pictures = sorted(library(Kind.JPEG_SMALL, _PICTURES, 1).rglob("*.jpg"))
    files = [("images", (path.name, path.read_bytes())) for path in pictures[:2]]
    broken = [("images", ("broken.jpg", files[0][1][1][:1000])), files[1]]

    def post(path: str, **request: object) -> Callable[[], int]:
        return lambda: client.post(path, **request).status_code  # type: ignore[arg-type]

    npy = {"content-type": NPY}
    return [
        post(EMBED, json={"texts": ["a red circle", "a blue square on a green background"]}),
        post(EMBED, content=array, headers=npy),
        post(CAPTION, content=array, headers=npy),
        post(EMBED, files=files),
        post(BOTH, files=broken),
        post(EMBED, content=array[:5000], headers=npy),
        post(CAPTION, json={"texts": []}),
        lambda: client.get("/metrics").status_code,
    ]


if __name__ == "__main__":
    main()
