"""The mark of a store: the file `store.json`, which shows that a folder is a store, and for which library."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.names import from_text, to_text
from image_pipeline.storage.claims import replacing

NAME = "store.json"
VERSION = 1
"""Bump when the layout of the store changes."""

_PROGRAM = "image-pipeline"


@dataclass(frozen=True)
class Mark:
    """The `version` of a store's layout, and its library; None until one is ingested."""

    version: int
    library: Path | None


def read_mark(home: Path) -> Mark | None:
    """The mark of the folder `home`; None if it has none, and so is not a store.

    Raises OSError if it cannot be read.
    """
    try:
        return parse_mark((home / NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def parse_mark(text: bytes) -> Mark | None:
    """The mark in the content of a file named `NAME`; None if it is not a mark."""
    try:
        content = json.loads(text)
        program, version, library = content["program"], content["version"], content["library"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if program != _PROGRAM or not isinstance(version, int) or not isinstance(library, str | None):
        return None
    return Mark(version, None if library is None else Path(from_text(library)))


def write_mark(home: Path, library: Path | None = None) -> None:
    """Mark the folder `home` as the store of a library. Raises OSError if the mark cannot be written.

    It is synced to the disk: otherwise a power cut could leave an empty mark, and the folder would not be a store.
    """
    content = {
        "program": _PROGRAM,
        "version": VERSION,
        "library": None if library is None else to_text(str(library)),
    }
    with replacing(home / NAME) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
