"""The mark of a store: the file `store.json`, which says that the folder is one, and whose."""

import json
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
        content = json.loads((home / NAME).read_bytes())
        if content["program"] != _PROGRAM:
            return None
        library = content["library"]
        return Mark(int(content["version"]), None if library is None else Path(from_text(library)))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, KeyError, TypeError):
        return None


def write_mark(home: Path, library: Path | None = None) -> None:
    """Mark the folder `home` as the store of a library. Raises OSError where it cannot be written."""
    content = {
        "program": _PROGRAM,
        "version": VERSION,
        "library": None if library is None else to_text(str(library)),
    }
    with replacing(home / NAME) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")
