"""The limit for a second run: `os.scandir` and a `stat` of every file."""

import os
import time
from pathlib import Path


def listing_seconds(library: Path) -> float:
    """How long it takes to list a library and to ask for the size and the times of each file, in seconds."""
    began = time.perf_counter()
    waiting = [os.fspath(library)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
    return time.perf_counter() - began
