"""Hashing of files, as the stage does it. The request: library."""

import os
from pathlib import Path

from benchmarks.exchange import answer, read_request
from benchmarks.measuring.stopwatch import Laps
from image_pipeline.files.hashing import hash_files
from image_pipeline.schema.rows import DiscoveredFile


def main() -> None:
    """Hash the files of a library, and report the time."""
    root = Path(read_request()["library"])
    files = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        status = path.stat()
        name = path.relative_to(root).as_posix()
        files.append(DiscoveredFile(name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, None))
    laps = Laps()
    with laps.lap():
        hashed = hash_files(root, files, [], len(os.sched_getaffinity(0)))
    answer(bytes=hashed.hashed_bytes, seconds=laps.seconds[0], cpu_seconds=laps.cpu_seconds[0])


if __name__ == "__main__":
    main()
