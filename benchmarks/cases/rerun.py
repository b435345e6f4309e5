"""Cases of repeated ingestion: of an unchanged library, with one file touched, and with one file of new content."""

import itertools
import json
import os
import shutil
from dataclasses import dataclass, field
from functools import partial

from benchmarks.bench import Bench, Ingested
from benchmarks.inputs.libraries import files_of, own_library
from benchmarks.inputs.photographs import Kind, photographs, with_serial
from benchmarks.measuring.estimate import Estimate
from benchmarks.measuring.opens import opened_files
from benchmarks.measuring.process import Measured, installed_program, python_program
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.stopwatch import Laps
from benchmarks.measuring.turns import take_turns
from benchmarks.references.listing import list_library
from benchmarks.rows import CaseResult, Processor, Row, Target

_MOST_LISTINGS = Target(20, at_least=False)
_MOST_SECONDS = Target(1.5, at_least=False)
_LISTINGS = 5
_TIMES_MORE = 3
_MODELS = "demo,none"
_TOUCHED, _NEW = "touched", "of new content"


def unchanged(bench: Bench) -> CaseResult:
    """Measure repeated runs over an unchanged directory and, in the same store, with one file changed."""
    root, single = (own_library(Kind.JPEG_SMALL, count, bench.new_folder()) for count in (bench.sizes.unchanged, 1))
    large, one = bench.ingest_again(root, _MODELS), bench.ingest_again(single, _MODELS)
    try:
        listings = Laps()
        for _ in range(_LISTINGS):
            listings.time(lambda: list_library(root))
        rows = []
        for title, command_of in (("image-pipeline ingest", _ingest_command), ("dagster job execute", _job_command)):
            both = (large, command_of(bench, large)), (one, command_of(bench, one))
            rows.append(_again(bench, title, *both, listings))
        rows += _changed(bench, large, one)
    finally:
        bench.discard(large)
        bench.discard(one)
        shutil.rmtree(root)
        shutil.rmtree(single)
    return CaseResult(rows)


@dataclass
class Beyond:
    """The time of runs minus that of the baseline runs in the same turns."""

    more: list[Measured] = field(default_factory=list)
    less: list[Measured] = field(default_factory=list)

    @property
    def seconds(self) -> Sample:
        """The differences in elapsed time."""
        return Sample.beyond([run.seconds for run in self.more], [run.seconds for run in self.less], "s")

    @property
    def cpu_seconds(self) -> Sample:
        """The differences in CPU time."""
        return Sample.beyond([run.cpu_seconds for run in self.more], [run.cpu_seconds for run in self.less], "s")


def _again(
    bench: Bench, title: str, large: tuple[Ingested, list[str]], one: tuple[Ingested, list[str]], listings: Laps
) -> Row:
    """Measure a command over an unchanged library, minus the same over a library of one file."""
    beyond = Beyond()

    def run(ingested: Ingested, command: list[str], kept: list[Measured]) -> None:
        kept.append(bench.measure(command, _environment(ingested)))

    runs = [partial(run, *large, beyond.more), partial(run, *one, beyond.less)]
    take_turns(runs, bench.often(_TIMES_MORE), lambda: beyond.seconds.estimate.agreed)
    opened = opened_files(large[1], large[0])
    opens = "not checked, because strace is not installed" if opened is None else str(len(opened))
    ours, cores = beyond.seconds.estimate, beyond.cpu_seconds.estimate
    listing, listing_cores = (Sample.of(each, "s").estimate for each in (listings.seconds, listings.cpu_seconds))
    return Row(
        title=f"`{title}` again, {bench.sizes.unchanged:,} unchanged files in one directory",
        ours=ours,
        against=listing,
        reference="limit: scandir and stat",
        figure=ours.over(listing),
        target=_MOST_LISTINGS,
        note=f"minus the same over a library of one file; whole command {_whole(beyond.more)}, over one file "
        f"{_whole(beyond.less)}; opened files of the library: {opens}",
        processor=Processor(cores, listing_cores, cores.over(listing_cores)),
    )


def _whole(runs: list[Measured]) -> Estimate:
    return Sample.of([run.seconds for run in runs], "s").estimate


def _changed(bench: Bench, large: Ingested, one: Ingested) -> list[Row]:
    request = {"models": _MODELS, "home": str(large.home), "image": os.fspath(files_of(large.library)[0])}
    of_large, of_one = _runs_of_changes(bench, large, 1_000_000), _runs_of_changes(bench, one, 2_000_000)
    loading = [
        bench.measure(python_program("benchmarks.programs.load_models"), request=request) for _ in range(bench.repeats)
    ]
    rows = []
    for what, beyond in of_large.items():
        note = (
            f"minus the unchanged run, which takes {_whole(beyond.less)}; the same over a library of one file: "
            f"{of_one[what].seconds.estimate}"
        )
        if what == _NEW:
            note += f"; a process that only loads the demo models and runs them on one image takes {_whole(loading)}"
        row = Row(
            title=f"one file of {bench.sizes.unchanged:,} {what}, `image-pipeline ingest`",
            ours=beyond.seconds.estimate,
            against=None,
            reference="the unchanged run",
            figure=beyond.seconds.estimate,
            target=_MOST_SECONDS,
            note=note,
            processor=Processor(beyond.cpu_seconds.estimate),
        )
        rows.append(row)
    return rows


def _runs_of_changes(bench: Bench, ingested: Ingested, serial: int) -> dict[str, Beyond]:
    """Measure the command with the first file touched and with new content, each next to an unchanged run."""
    file, picture = files_of(ingested.library)[0], photographs(Kind.JPEG_SMALL, 1)[0]
    serials = itertools.count(serial)
    touched, new = Beyond(), Beyond()

    def again(kept: list[Measured]) -> None:
        kept.append(bench.ingest(ingested.library, ingested.settings))

    def touch() -> None:
        os.utime(file)
        again(touched.more)
        _check(touched.more[-1], embedded=0)

    def write() -> None:
        with_serial(picture, next(serials), file)
        again(new.more)
        _check(new.more[-1], embedded=1)

    runs = [lambda: again(touched.less), touch, lambda: again(new.less), write]
    both = (touched, new)
    take_turns(runs, bench.often(_TIMES_MORE), lambda: all(one.seconds.estimate.agreed for one in both))
    return {_TOUCHED: touched, _NEW: new}


def _check(measured: Measured, embedded: int) -> None:
    if measured.answer["embedded"] != embedded or measured.answer["quarantined"]:
        raise RuntimeError(f"{embedded} images should have been embedded, and none quarantined: {measured.answer}")


def _environment(ingested: Ingested) -> dict[str, str]:
    dagster_home = str(ingested.home / "dagster")
    return {**ingested.settings, "IMAGE_LIBRARY": str(ingested.library), "DAGSTER_HOME": dagster_home}


def _ingest_command(_: Bench, ingested: Ingested) -> list[str]:
    return installed_program("image-pipeline", "ingest", str(ingested.library), "--json")


def _job_command(bench: Bench, ingested: Ingested) -> list[str]:
    """The command of the README for a run of all partitions of a library."""
    scan = installed_program("image-pipeline", "scan", str(ingested.library), "--json")
    keys = [state["partition"] for state in bench.measure(scan, _environment(ingested)).answer]
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    return installed_program(
        "dagster", "job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags", json.dumps(tags)
    )
