"""The case of the embedded Qdrant and the server, on a few points."""

from pathlib import Path
from typing import Any

from benchmarks.engines import EngineKind
from benchmarks.inputs.queries import KINDS
from benchmarks.measuring.process import measure, python_program

POINTS, QUERIES = 700, 3


def run(kind: EngineKind, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers of the programs that fill and that query."""
    place = {"kind": kind, "folder": str(folder)}
    filling = {**place, "points": POINTS, "patience": 60}
    filled = measure(python_program("benchmarks.programs.fill_engine"), request=filling).answer
    asking = {**place, "queries": QUERIES, "seed": 1}
    return filled, measure(python_program("benchmarks.programs.query_engine"), request=asking).answer


def test_the_embedded_one_and_the_server_are_filled_opened_and_asked(tmp_path: Path, qdrant_binary: Path) -> None:
    asked = {}
    for kind in EngineKind:
        folder = tmp_path / kind
        folder.mkdir()
        filled, one = run(kind, folder)
        assert len(filled["rates"]) == 1
        assert {name: len(seconds) for name, seconds in one["seconds"].items()} == dict.fromkeys(KINDS, QUERIES)
        assert one["found"]["count"] == POINTS * QUERIES
        assert all(len(paths) == 50 for paths in one["answers"])
        assert 10_000_000 < one["memory"]["queried"][1] < one["memory"]["queried"][0] < 1_000_000_000
        asked[kind] = one
    embedded, server = asked[EngineKind.EMBEDDED], asked[EngineKind.SERVER]
    assert embedded["found"] == server["found"]
    # 16-bit floats may exchange the last ones
    for ours, theirs in zip(embedded["answers"], server["answers"], strict=True):
        assert len(set(ours) & set(theirs)) >= 49
