"""Cases of the collection: upload of many points, and searches among them, against a bare client of the same server."""

from typing import Any

from benchmarks.bench import Bench
from benchmarks.inputs.models import vit_b32
from benchmarks.measuring.process import python_program
from benchmarks.measuring.sample import Sample
from benchmarks.rows import CaseResult, Processor, Row, Target

_ALIAS = "benchpoints"
_CHUNKS = 10
_SLOW = 0.95
_PATIENCE = 240.0


def upload_and_search(bench: Bench) -> CaseResult:
    """Upload points with payload, then search by words; returns no rows if there is no server."""
    if bench.server is None:
        return CaseResult([], table="Left out: no Qdrant server was found. Run `make qdrant`.")
    settings = bench.settings(f"{vit_b32()},none") | {"IMAGE_PIPELINE_COLLECTION": _ALIAS}
    connection = {"url": bench.server.url, "grpc_port": bench.server.grpc_port}
    request = {"model": str(vit_b32()), "home": settings["IMAGE_PIPELINE_HOME"], "alias": _ALIAS, **connection}
    upload = request | {"points": bench.sizes.points, "chunks": _CHUNKS}
    uploaded = bench.measure(python_program("benchmarks.programs.upload"), request=upload).answer
    queries = {"queries": bench.sizes.queries, "points": bench.sizes.points, "patience": _PATIENCE}
    searched = bench.measure(python_program("benchmarks.programs.search"), settings, request=queries).answer
    bench.delete_collections(_ALIAS)
    return CaseResult([_upload_row(bench, uploaded), _search_row(bench, searched)])


def _upload_row(bench: Bench, answer: dict[str, Any]) -> Row:
    size = answer["points"]
    ours, against = (Sample.of([size / s for s in answer[who]["seconds"]], "points/s") for who in ("ours", "against"))
    cores = [Sample.of([1e6 * s / size for s in answer[who]["cpu_seconds"]], "µs") for who in ("ours", "against")]
    return Row(
        title=f"upload to a Qdrant server, {bench.sizes.points:,} points of 512 dimensions with payload and indexes",
        ours=ours.estimate,
        against=against.estimate,
        reference="a bare gRPC upload of the same points, in the same batches, to an identical collection",
        figure=ours.over(against),
        target=Target(0.8),
        note=f"in {_CHUNKS} parts, alternately; CPU time per point, of the client",
        processor=Processor.of_rates(*cores),
    )


def _search_row(bench: Bench, answer: dict[str, Any]) -> Row:
    whose = "ours", "against"
    ours, against = (Sample.of([1000 * s for s in answer[who]["seconds"]], "ms") for who in whose)
    cores = [Sample.of([1000 * s for s in answer[who]["cpu_seconds"]], "ms") for who in whose]
    slow_cores = cores[0].quantile(_SLOW), cores[1].quantile(_SLOW)
    embedding = Sample.of([1000 * seconds for seconds in answer["embedding"]["seconds"]], "ms")
    slow = ours.quantile(_SLOW), against.quantile(_SLOW)
    indexed = "index built" if answer["indexed"] else f"the index was not built within {_PATIENCE:g} s"
    return Row(
        title=f"search by words, warm process, {bench.sizes.points:,} points, p95",
        ours=slow[0],
        against=slow[1],
        reference="text embedding, and a bare query of an open client",
        figure=slow[0].over(slow[1]),
        target=Target(1.5, at_least=False),
        note=f"{bench.sizes.queries} texts, alternately; medians {ours.estimate} and {against.estimate}, of which text "
        f"embedding {embedding.estimate}; {indexed}",
        processor=Processor(*slow_cores, slow_cores[0].over(slow_cores[1])),
    )
