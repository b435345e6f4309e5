"""Cache of inputs between runs of the bench."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

VERSION = 2
"""Bump when the inputs change, so that old ones are not used."""


def cache_folder() -> Path:
    """The cache, in the system's folder for temporary files: about 10 GB at the default sizes."""
    folder = Path(tempfile.gettempdir()) / f"image-pipeline-bench-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, which `make` creates atomically if it is missing; `make` is called with a temporary path to write to."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{os.getpid()}-{path.name}")
        make(unfinished)
        unfinished.rename(path)
    return path
