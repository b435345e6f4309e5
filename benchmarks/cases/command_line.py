"""Cases of the command line: the time to its first line of output."""

from functools import partial

from benchmarks.bench import Bench
from benchmarks.inputs.libraries import library
from benchmarks.inputs.photographs import Kind
from benchmarks.measuring.process import FirstLine, first_line, installed_program
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.turns import take_turns
from benchmarks.rows import CaseResult, Processor, Row, Target

_TIMES = 5


def first_lines(bench: Bench) -> CaseResult:
    """Measure the time from the start of the process to the first line of `--help` and of `status`."""
    ingested = bench.ingest_again(library(Kind.JPEG_SMALL, 3), "demo")
    words = ("--help", "status")
    times: dict[str, list[FirstLine]] = {word: [] for word in words}

    def run(word: str) -> None:
        bench.speed.look()
        times[word].append(first_line(installed_program("image-pipeline", word), ingested.settings))

    def seconds(word: str) -> Sample:
        return Sample.of([one.seconds for one in times[word]], "s")

    runs = [partial(run, word) for word in words]
    take_turns(runs, bench.often(_TIMES), lambda: all(seconds(word).estimate.agreed for word in words))
    bench.discard(ingested)
    rows = [
        Row(
            title=f"first line of `image-pipeline {word}`",
            ours=seconds(word).estimate,
            against=None,
            reference="",
            figure=seconds(word).estimate,
            target=Target(0.5, at_least=False),
            note="CPU time of the whole command",
            processor=Processor(Sample.of([one.cpu_seconds for one in times[word]], "s").estimate),
        )
        for word in words
    ]
    return CaseResult(rows)
