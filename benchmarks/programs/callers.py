"""Callers of an inference service: each sends one request after the other, for some seconds.

The request: url, path, callers, images (per request), side, seconds. The answer: the seconds of each request.
"""

import threading
import time

import httpx
import numpy as np

from benchmarks.exchange import answer, read_request
from image_pipeline.inference.wire import NPY, to_npy

_WARMING_SECONDS = 1.0


def main() -> None:
    """Call, and report the seconds of each request that ended within the time.

    Those that began before count, too: else a service of which each request takes seconds would seem slower than it is.
    """
    request = read_request()
    rng = np.random.default_rng(3)
    side, count = request["side"], request["images"]
    bodies = [to_npy(rng.integers(0, 256, (count, 3, side, side), np.uint8)) for _ in range(4)]
    headers = {"content-type": NPY, "accept": NPY}
    laps: list[float] = []
    lock = threading.Lock()
    begins_at = time.monotonic() + _WARMING_SECONDS
    ends_at = begins_at + request["seconds"]

    def call(number: int) -> None:
        with httpx.Client(base_url=request["url"], timeout=600, trust_env=False) as client:
            while (began := time.monotonic()) < ends_at:
                client.post(request["path"], content=bodies[number % len(bodies)], headers=headers).raise_for_status()
                ended = time.monotonic()
                if begins_at <= ended <= ends_at:
                    with lock:
                        laps.append(ended - began)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(request["callers"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer(laps=laps)


if __name__ == "__main__":
    main()
