"""`python -m benchmarks.programs.load_thumbnails STORE PORT [SECONDS [CONNECTIONS]]`: thumbnails a second of `serve`.

It asks a running `image-pipeline serve` of this store for its thumbnails in random order, over connections that stay
open as a browser's do, and prints a JSON object: thumbnails a second, and the median and the 95th percentile of the
time of one, in ms. The answers are read, not looked at: a client that takes them apart would be the bottleneck.
"""

import asyncio
import json
import random
import re
import statistics
import sys
import time
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
_WARM_UP_SECONDS = 1.0


def main() -> None:
    """Measure, and print."""
    store, port = Path(sys.argv[1]), int(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10.0
    connections = int(sys.argv[4]) if len(sys.argv) > 4 else 12
    names = [path.stem for path in store.glob("thumbnails/??/*.webp")]
    asyncio.run(_fetched(names, port, _WARM_UP_SECONDS, connections))
    began = time.perf_counter()
    taken = asyncio.run(_fetched(names, port, seconds, connections))
    elapsed = time.perf_counter() - began
    milliseconds = sorted(1000 * one for one in taken)
    print(
        json.dumps(
            {
                "thumbnails_per_second": round(len(taken) / elapsed),
                "median_ms": round(statistics.median(milliseconds), 2),
                "p95_ms": round(milliseconds[int(0.95 * len(milliseconds))], 2),
                "thumbnails": len(names),
                "connections": connections,
            }
        )
    )


async def _fetched(names: list[str], port: int, seconds: float, connections: int) -> list[float]:
    """The time of each request, in s."""
    ends_at = time.perf_counter() + seconds
    fetched = await asyncio.gather(*(_fetch(names, port, ends_at, seed) for seed in range(connections)))
    return [one for times in fetched for one in times]


async def _fetch(names: list[str], port: int, ends_at: float, seed: int) -> list[float]:
    drawn, times = random.Random(seed), []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < ends_at:
        name = drawn.choice(names)
        writer.write(f"GET /api/v1/thumbnails/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert head.startswith(b"HTTP/1.1 200") and length is not None, head
        await reader.readexactly(int(length[1]))
        times.append(time.perf_counter() - began)
    writer.close()
    return times


if __name__ == "__main__":
    main()
