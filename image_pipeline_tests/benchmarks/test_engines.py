"""The case of the embedded Qdrant and the server, on a few points."""

from dataclasses import replace
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases.engines import cases
from benchmarks.inputs.queries import KINDS
from benchmarks.qdrant_server import QdrantServer
from benchmarks.rows import Verdict
from benchmarks.sizes import QUICK

POINTS = 700


def test_both_are_filled_opened_and_asked_and_find_the_same(tmp_path: Path, qdrant_server: QdrantServer) -> None:
    sizes = replace(QUICK, engine_points=(POINTS,) * 4, engine_queries=(3,) * 4)
    result = cases()["engines-100k"](Bench(sizes, 2, tmp_path, server=qdrant_server))
    assert [row.title for row in result.rows] == [
        "upsert, 700 points",
        "open, until the first answer, 700 points",
        "query p95, 700 points",
        "slowest of six filters, p95, 700 points",
        "memory after a hundred queries, 700 points",
    ]
    assert result.rows[-1].verdict is Verdict.REACHED
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in result.table.splitlines() if "|" in line]
    assert all(len(cells) == 4 for cells in lines)
    table = {cells[0]: cells[1:] for cells in lines}
    assert set(KINDS) <= table.keys()
    ours, theirs, _ = table["results, mean of all kinds of filters"]
    assert ours == theirs
    ours, theirs, _ = table["the same photographs as the exact answer"]
    assert ours == "100.0 %"
    assert float(theirs.removesuffix(" %")) >= 98  # 16-bit floats may exchange the last ones
    assert not list(tmp_path.iterdir())


def test_a_million_points_are_asked_of_the_embedded_one_alone(tmp_path: Path, qdrant_server: QdrantServer) -> None:
    sizes = replace(QUICK, engine_points=(POINTS,) * 4, engine_queries=(3,) * 4)
    result = cases()["engines-1m"](Bench(sizes, 2, tmp_path, server=qdrant_server))
    assert [row.against for row in result.rows] == [None] * 5
    lines = [line.split("|")[1:-1] for line in result.table.splitlines() if "|" in line]
    assert all(len(cells) == 3 for cells in lines)
    assert {cells[0].strip() for cells in lines} >= set(KINDS)
