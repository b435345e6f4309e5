"""A program that compacts an embedded Qdrant Edge, and may kill itself at a place; tests kill it, or its copier.

Arguments: the store, the place ("" for none). It prints a line before and after the compaction.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from image_pipeline.collection.edge import catalog, compaction, copies, opened
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline_tests.storage.conftest import VERSION

TURBO_BEYOND = 200
BEGUN, DONE = "begun", "done"


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str) -> None:
    setattr(owner, name, _die)


def _after(owner: Any, name: str) -> None:
    whole: Callable[..., Any] = getattr(owner, name)

    def and_die(*given: Any, **named: Any) -> None:
        whole(*given, **named)
        _die()

    setattr(owner, name, and_die)


def _half_deleted(folder: Path, **_: Any) -> None:
    for number, file in enumerate(sorted(folder.rglob("*.*"))):
        if number % 2:
            file.unlink()
    _die()


PLACES: dict[str, Callable[[], None]] = {
    "note written": lambda: _after(copies.CopyNote, "write"),
    "folder made": lambda: _after(opened.Opened, "new_folder"),
    "copied": lambda: _after(compaction.Compaction, "_copy"),
    "former closed": lambda: _before(opened.Opened, "write"),
    "catalogue unfinished": lambda: _before(catalog.os, "replace"),
    "catalogue written": lambda: _after(opened.Opened, "write"),
    "former half deleted": lambda: setattr(opened, "shutil", type("Half", (), {"rmtree": _half_deleted})),
    "former deleted": lambda: _before(copies.CopyNote, "clear"),
    "note cleared": lambda: _after(copies.CopyNote, "clear"),
}
"""What has just happened when the program kills itself, and how that is arranged."""


def main() -> None:
    """Compact, once."""
    store, place = Path(sys.argv[1]), sys.argv[2]
    compaction.DEAD_PLACES, compaction.TURBO_BEYOND = 20, TURBO_BEYOND
    with EdgeAddress(store / "qdrant-edge", store / "qdrant.lock").connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.count()
        if place:
            PLACES[place]()
        print(BEGUN, flush=True)
        collection.tidy()
        print(DONE, flush=True)


if __name__ == "__main__":
    main()
