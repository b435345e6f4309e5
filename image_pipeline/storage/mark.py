"""The mark of a store: the file `store.json`, which says that the folder is one, and whose."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.names import from_text, to_text
from image_pipeline.storage.claims import replacing

NAME = "store.json"
VERSION = 1
"""Changes with the layout of the store."""

_PROGRAM = "image-pipeline"


@dataclass(frozen=True)
class Mark:
    """The `version` of a store's layout, and its library; None before one was ingested."""

    version: int
    library: Path | None


def read_mark(home: Path) -> Mark | None:
    """The mark of the folder `home`; None where it has none, so that it is no store.

    Raises OSError where the system will not hand it over.
    """
    try:
        return parse_mark((home / NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def parse_mark(text: bytes) -> Mark | None:
    """The mark that a file named `NAME` holds; None where it holds none."""
    try:
        content = json.loads(text)
        program, version, library = content["program"], content["version"], content["library"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if program != _PROGRAM or not isinstance(version, int) or not isinstance(library, str | None):
        return None
    return Mark(version, None if library is None else Path(from_text(library)))


def write_mark(home: Path, library: Path | None = None) -> None:
    """Mark the folder `home` as the store of a library. Raises OSError where it cannot be written.

    It is forced to the disk: after a power cut, an empty mark would be there, and no store.
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
