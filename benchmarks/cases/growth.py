"""How the cost of a library grows with its files and with its directories. Demo models: what grows is not theirs."""

from benchmarks.bench import Bench
from benchmarks.inputs.libraries import library
from benchmarks.inputs.photographs import Kind, photographs, warm
from benchmarks.measuring.memory import OFTEN
from benchmarks.measuring.process import Measured
from benchmarks.measuring.sample import Sample
from benchmarks.rows import CaseResult, Row, Target
from image_pipeline.files.partition import partitions_of
from image_pipeline.inference.inference import load_inference
from image_pipeline.settings import DType, Settings

_MODELS = "demo,none"
_MOST = Target(1.1, at_least=False)


def growth(bench: Bench) -> CaseResult:
    """First ingests of many and of few files, in one directory and in many."""
    sizes = bench.sizes
    dealt = sizes.directories * sizes.files_a_directory
    dealt_few = sizes.few_directories * sizes.files_a_directory
    wanted = {
        "one file": (1, 1),
        "few": (sizes.small, 1),
        "many": (sizes.large, 1),
        "flat": (dealt, 1),
        "few directories": (dealt_few, sizes.few_directories),
        "many directories": (dealt, sizes.directories),
    }
    warm(photographs(Kind.JPEG_SMALL, sizes.large))
    # The long ones are an average of their own, and are done once unless many repeats are asked for. Of the short ones,
    # half is the start of a process, which varies more than what they are there to tell.
    repeats = {
        name: max(1, 2 * bench.repeats if files < dealt else bench.repeats // 3) for name, (files, _) in wanted.items()
    }
    runs: dict[str, list[Measured]] = {name: [] for name in wanted}
    for turn in range(max(repeats.values())):
        for name, (files, directories) in wanted.items():
            if turn < repeats[name]:
                runs[name].append(bench.first_ingest(library(Kind.JPEG_SMALL, files, directories), _MODELS, OFTEN))
    start = Sample.of([run.seconds for run in runs["one file"]], "s").median
    a_file = {
        name: Sample.of([1000 * (run.seconds - start) / wanted[name][0] for run in runs[name]], "ms")
        for name in wanted
        if name != "one file"
    }
    rows = [
        _ratio(
            f"time a file, {sizes.large:,} files in one directory", a_file["many"], a_file["few"], sizes.small, start
        ),
        _ratio(
            f"time a file, {sizes.directories:,} directories of {sizes.files_a_directory}",
            a_file["many directories"],
            a_file["few directories"],
            sizes.few_directories,
            start,
        ),
        _a_directory(bench, runs, start),
        _memory(bench, runs),
        _disk(bench, runs["many"]),
    ]
    points = [
        {
            "files": float(wanted[name][0]),
            "directories": float(wanted[name][1]),
            "milliseconds_a_file": a_file[name].median,
            "peak_megabytes": Sample.of([run.pss_bytes / 1e6 for run in runs[name]], "MB").median,
        }
        for name in a_file
    ]
    raw = {name: {"size": wanted[name], "runs": [run.as_dict() for run in runs[name]]} for name in wanted}
    return CaseResult(rows, raw, growth=points)


def _ratio(title: str, ours: Sample, against: Sample, fewer: int, start: float) -> Row:
    return Row(
        title=title,
        ours=ours,
        against=against,
        reference=f"the same with {fewer:,}",
        figure=ours.median / against.median,
        target=_MOST,
        note=f"first ingest; the {start:.2f} s that a library of one file takes are taken off",
    )


def _a_directory(bench: Bench, runs: dict[str, list[Measured]], start: float) -> Row:
    sizes = bench.sizes
    dealt, flat = (Sample.of([run.seconds for run in runs[name]], "s") for name in ("many directories", "flat"))
    return Row(
        title=f"{sizes.directories:,} directories of {sizes.files_a_directory} small files, first ingest, a directory",
        ours=dealt,
        against=flat,
        reference="the same files in one directory",
        figure=(dealt.median - flat.median) / sizes.directories,
        unit="s",
        target=Target(0.1, at_least=False),
        note="whole processes; the difference by the number of directories",
    )


def _memory(bench: Bench, runs: dict[str, list[Measured]]) -> Row:
    many, few = (Sample.of([run.pss_bytes / 1e6 for run in runs[name]], "MB") for name in ("many", "few"))
    without_files = [Sample.of([run.anonymous_bytes / 1e6 for run in runs[n]], "MB") for n in ("many", "few")]
    return Row(
        title=f"peak memory of all processes, {bench.sizes.large:,} files in one directory",
        ours=many,
        against=few,
        reference=f"the same with {bench.sizes.small:,}",
        figure=many.median / few.median,
        target=Target(1.15, at_least=False),
        note="proportional set sizes, sampled four times a second; of that no file stands behind "
        f"{without_files[0]} and {without_files[1]}",
    )


def _disk(bench: Bench, many: list[Measured]) -> Row:
    size = Settings.model_fields["partition_size"].default
    partitions = partitions_of("", bench.sizes.large, size)
    specs = load_inference(_MODELS, DType.AUTO, bench.work).input_specs
    worth = bench.sizes.large / len(partitions) * sum(spec.row_bytes for spec in specs)
    held = Sample.of([run.disk_bytes / 1e6 for run in many], "MB")
    return Row(
        title=f"disk held by decoded tensors, {bench.sizes.large:,} files in one directory",
        ours=held,
        against=Sample.of([worth / 1e6], "MB"),
        reference=f"one of its {len(partitions)} partitions' worth",
        figure=held.median / (worth / 1e6),
        target=Target(3, at_least=False),
        note="the most at any time, sampled four times a second",
    )
