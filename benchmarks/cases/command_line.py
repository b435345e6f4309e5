"""How soon the command line says something."""

from benchmarks.bench import Bench
from benchmarks.inputs.libraries import library
from benchmarks.inputs.photographs import Kind
from benchmarks.measuring.process import first_line_seconds, installed_program
from benchmarks.measuring.sample import Sample
from benchmarks.rows import CaseResult, Row, Target

_TIMES = 5


def first_lines(bench: Bench) -> CaseResult:
    """The first line of help and of status, from the start of the process."""
    ingested = bench.ingest_anew(library(Kind.JPEG_SMALL, 3), "demo")
    rows = []
    for word in ("--help", "status"):
        command = installed_program("image-pipeline", word)
        seconds = [first_line_seconds(command, ingested.settings) for _ in range(_TIMES * bench.repeats)]
        sample = Sample.of(seconds, "s")
        title = f"first line of `image-pipeline {word}`"
        target = Target(0.5, at_least=False)
        rows.append(Row(title, sample, None, "", sample.median, unit="s", target=target))
    bench.discard(ingested)
    return CaseResult(rows, {row.title: row.ours.as_dict() for row in rows})
