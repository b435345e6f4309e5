"""The limit for a repeated run: `os.scandir` and a `stat` of every file."""

import os
from pathlib import Path


def list_library(library: Path) -> None:
    """List a library, and read the size and the times of each file."""
    waiting = [os.fspath(library)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
