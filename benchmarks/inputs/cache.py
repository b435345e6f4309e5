"""The folder in which inputs are kept between runs of the bench."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

VERSION = 2
"""Raised when inputs come to be made otherwise, so that those of before are not taken for them."""


def cache_folder() -> Path:
    """The folder: some 10 GB at the default sizes, below the system's own for temporary files."""
    folder = Path(tempfile.gettempdir()) / f"image-pipeline-bench-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, made by `make` (which is given the path to write to) where it is not there; never half of it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{os.getpid()}-{path.name}")
        make(unfinished)
        unfinished.rename(path)
    return path
