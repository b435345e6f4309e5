"""Growth cases: the cost of a library by its numbers of files and directories, with the fast demo models."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from benchmarks.bench import Bench
from benchmarks.inputs.libraries import library
from benchmarks.inputs.photographs import Kind, photographs, warm
from benchmarks.measuring.estimate import Estimate
from benchmarks.measuring.memory import OFTEN
from benchmarks.measuring.process import Measured
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.turns import most_turns, take_turns
from benchmarks.rows import CaseResult, Processor, Row, Target
from image_pipeline.files.partition import partitions_of
from image_pipeline.settings import DType, Settings
from image_pipeline.stages.models import load_inference
from image_pipeline.stages.registry import input_specs

_MODELS = "demo,none"
_MOST = Target(1.1, at_least=False)


@dataclass
class First:
    """First ingestions of a library of `files` files in `directories` directories, one in each turn."""

    files: int
    directories: int
    repeats: int
    runs: list[Measured] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """The elapsed times of the whole processes."""
        return [run.seconds for run in self.runs]

    @property
    def cpu_seconds(self) -> list[float]:
        """The CPU times of the whole processes."""
        return [run.cpu_seconds for run in self.runs]

    def a_file(self, start: "First") -> Sample:
        """The time per file, minus the time of `start`, a library of one file."""
        return Sample.beyond(self.seconds, start.seconds, "ms", 1000 / self.files)

    def core_a_file(self, start: "First") -> Sample:
        """The CPU time per file, minus that of `start`."""
        return Sample.beyond(self.cpu_seconds, start.cpu_seconds, "ms", 1000 / self.files)


def growth(bench: Bench) -> CaseResult:
    """Measure first ingestions of many and of few files, in one directory and in many."""
    sizes = bench.sizes
    dealt = sizes.directories * sizes.files_a_directory
    dealt_few = sizes.few_directories * sizes.files_a_directory
    # Short runs are repeated more often: half of such a run is the start of the process, which varies more than the
    # time to measure. A long run is an average in itself.
    short, long = bench.often(2), bench.seldom
    firsts = {
        "one file": First(1, 1, short),
        "few": First(sizes.small, 1, short),
        "many": First(sizes.large, 1, long),
        "flat": First(dealt, 1, long),
        "few directories": First(dealt_few, sizes.few_directories, short),
        "many directories": First(dealt, sizes.directories, long),
    }
    warm(photographs(Kind.JPEG_SMALL, sizes.large))

    def ingest(first: First) -> Measured:
        return bench.first_ingest(library(Kind.JPEG_SMALL, first.files, first.directories), _MODELS, OFTEN)

    take_all(list(firsts.values()), ingest)
    return result(bench, firsts)


def take_all(firsts: list[First], ingest: Callable[[First], Measured]) -> None:
    """Ingest all in turn, each as often as it specifies, and more often while its times per file disagree.

    The first is the library of one file. It is ingested in each turn, because its time in the same turn is subtracted
    from that of the others.
    """
    start, *others = firsts

    def agreed(first: First) -> bool:
        return first.a_file(start).estimate.agreed

    def run(first: First) -> None:
        taken = len(first.runs)
        if taken < first.repeats or (taken < most_turns(first.repeats) and (first is start or not agreed(first))):
            first.runs.append(ingest(first))

    take_turns([partial(run, first) for first in firsts], start.repeats, lambda: all(map(agreed, others)))


def result(bench: Bench, firsts: dict[str, First]) -> CaseResult:
    """The rows and plots of the ingestions."""
    sizes, start = bench.sizes, firsts["one file"]
    many, few = firsts["many"], firsts["few"]
    rows = [
        _ratio(f"time per file, {sizes.large:,} files in one directory", many, few, start, sizes.small),
        _ratio(
            f"time per file, {sizes.directories:,} directories of {sizes.files_a_directory}",
            firsts["many directories"],
            firsts["few directories"],
            start,
            sizes.few_directories,
        ),
        _a_directory(firsts["many directories"], firsts["flat"], sizes.files_a_directory),
        _memory(many, few),
        _disk(bench, many),
    ]
    points: list[dict[str, float | None]] = []
    for name, first in firsts.items():
        a_file = first.a_file(start).estimate
        if name != "one file":
            peak = Sample.of_sizes([run.pss_bytes for run in first.runs]).estimate
            points.append(
                {
                    "files": float(first.files),
                    "directories": float(first.directories),
                    "milliseconds_a_file": None if a_file.refusal else a_file.value,
                    "peak_megabytes": peak.value,
                }
            )
    return CaseResult(rows, growth=points)


def _ratio(title: str, many: First, few: First, start: First, fewer: int) -> Row:
    ours, against = many.a_file(start).estimate, few.a_file(start).estimate
    cores = many.core_a_file(start).estimate, few.core_a_file(start).estimate
    of_one = Sample.of(start.seconds, "s").estimate
    return Row(
        title=title,
        ours=ours,
        against=against,
        reference=f"the same with {fewer:,}",
        figure=ours.over(against),
        target=_MOST,
        note=f"first ingestion, minus that of a library of one file, which takes {of_one}",
        processor=Processor(*cores, cores[0].over(cores[1])),
    )


def _a_directory(dealt: First, flat: First, files: int) -> Row:
    scale = 1 / dealt.directories
    return Row(
        title=f"{dealt.directories:,} directories of {files} small files, first ingestion, time per directory",
        ours=Sample.of(dealt.seconds, "s").estimate,
        against=Sample.of(flat.seconds, "s").estimate,
        reference="the same files in one directory",
        figure=Sample.beyond(dealt.seconds, flat.seconds, "s", scale).estimate,
        target=Target(0.1, at_least=False),
        note="whole processes; the figure is the difference divided by the number of directories",
        processor=Processor(
            Sample.of(dealt.cpu_seconds, "s").estimate,
            Sample.of(flat.cpu_seconds, "s").estimate,
            Sample.beyond(dealt.cpu_seconds, flat.cpu_seconds, "s", scale).estimate,
        ),
    )


def _memory(many: First, few: First) -> Row:
    ours, against = (Sample.of_sizes([run.pss_bytes for run in first.runs]).estimate for first in (many, few))
    without_files = [Sample.of_sizes([run.anonymous_bytes for run in first.runs]).estimate for first in (many, few)]
    return Row(
        title=f"peak memory of all processes, {many.files:,} files in one directory",
        ours=ours,
        against=against,
        reference=f"the same with {few.files:,}",
        figure=ours.over(against),
        target=Target(1.15, at_least=False),
        note="proportional set sizes, sampled four times a second; not backed by files: "
        f"{without_files[0]} and {without_files[1]}",
    )


def _disk(bench: Bench, many: First) -> Row:
    size = Settings.model_fields["partition_size"].default
    partitions = partitions_of("", many.files, size)
    specs = input_specs(load_inference(_MODELS, DType.AUTO, bench.work))
    worth = Estimate.exact(many.files / len(partitions) * sum(spec.row_bytes for spec in specs) / 1e6, "MB")
    held = Sample.of_sizes([run.disk_bytes for run in many.runs]).estimate
    return Row(
        title=f"disk used by decoded tensors, {many.files:,} files in one directory",
        ours=held,
        against=worth,
        reference=f"tensors of one of its {len(partitions)} partitions",
        figure=held.over(worth),
        target=Target(3, at_least=False),
        note="maximum, sampled four times a second",
    )
