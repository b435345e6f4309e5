"""The limit for hashing: OpenSSL's SHA-256 of the same bytes in memory, with one thread per core.

The request: files.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.exchange import answer, read_request
from benchmarks.measuring.stopwatch import Laps


def main() -> None:
    """Hash the bytes of the files, and report the time."""
    contents = [Path(file).read_bytes() for file in read_request()["files"]]
    laps = Laps()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as executor, laps.lap():
        list(executor.map(lambda content: hashlib.sha256(content).digest(), contents))
    answer(bytes=sum(map(len, contents)), seconds=laps.seconds[0], cpu_seconds=laps.cpu_seconds[0])


if __name__ == "__main__":
    main()
