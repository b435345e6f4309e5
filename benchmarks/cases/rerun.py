"""A library that was ingested, once more: unchanged, with a file touched, with a file of new content."""

import json
import os
import shutil

from benchmarks.bench import Bench, Ingested
from benchmarks.inputs.libraries import files_of, own_library
from benchmarks.inputs.photographs import Kind, photographs, with_serial
from benchmarks.measuring.opens import opened_files
from benchmarks.measuring.process import (
    Measured,
    installed_program,
    measure,
    python_program,
)
from benchmarks.measuring.sample import Sample
from benchmarks.references.listing import listing_seconds
from benchmarks.rows import CaseResult, Row, Target

_MOST_LISTINGS = Target(20, at_least=False)
_MOST_SECONDS = Target(1.5, at_least=False)
_LISTINGS = 5
_TIMES_MORE = 3  # commands of a few seconds, which vary by as much as is looked for
_MODELS = "demo,none"


def unchanged(bench: Bench) -> CaseResult:
    """Second runs over an unchanged directory; and, in the same store, with one file changed."""
    root, single = (own_library(Kind.JPEG_SMALL, count, bench.new_folder()) for count in (bench.sizes.unchanged, 1))
    large, one = bench.ingest_anew(root, _MODELS), bench.ingest_anew(single, _MODELS)
    try:
        listings = Sample.of([listing_seconds(root) for _ in range(_LISTINGS)], "s")
        rows = [_by_command(bench, large, one, listings), _by_dagster(bench, large, one, listings)]
        changed, raw = _changed(bench, large, one)
        rows += changed
    finally:
        bench.discard(large)
        bench.discard(one)
        shutil.rmtree(root)
        shutil.rmtree(single)
    return CaseResult(rows, raw | {"listings": listings.as_dict()})


def _by_command(bench: Bench, large: Ingested, one: Ingested, listings: Sample) -> Row:
    of_large, of_one = _in_turn(bench, _ingest_command(large), large, _ingest_command(one), one)
    title = f"`image-pipeline ingest` again, {bench.sizes.unchanged:,} unchanged files in one directory"
    return _rerun_row(title, of_large, of_one, listings, opened_files(_ingest_command(large), large))


def _by_dagster(bench: Bench, large: Ingested, one: Ingested, listings: Sample) -> Row:
    commands = _job_command(large), _job_command(one)
    of_large, of_one = _in_turn(bench, commands[0], large, commands[1], one)
    title = f"`dagster job execute` again, {bench.sizes.unchanged:,} unchanged files in one directory"
    return _rerun_row(title, of_large, of_one, listings, opened_files(commands[0], large))


def _in_turn(
    bench: Bench, command: list[str], large: Ingested, command_of_one: list[str], one: Ingested
) -> tuple[list[float], list[float]]:
    of_large, of_one = [], []
    for _ in range(_TIMES_MORE * bench.repeats):
        of_large.append(measure(command, _environment(large)).seconds)
        of_one.append(measure(command_of_one, _environment(one)).seconds)
    return of_large, of_one


def _rerun_row(
    title: str, of_large: list[float], of_one: list[float], listings: Sample, opened: list[str] | None
) -> Row:
    large, one = Sample.of(of_large, "s"), Sample.of(of_one, "s")
    beyond = Sample.of([each - one.median for each in of_large], "s")
    opens = "not looked at, for want of strace" if opened is None else f"{len(opened)} files of the library were opened"
    return Row(
        title=title,
        ours=beyond,
        against=listings,
        reference="limit: scandir and stat",
        figure=beyond.median / listings.median,
        target=_MOST_LISTINGS,
        note=f"whole command {large}, of which {one} over a library of one file; {opens}",
        also={"files opened": "?" if opened is None else str(len(opened))},
    )


def _changed(bench: Bench, large: Ingested, one: Ingested) -> tuple[list[Row], dict[str, object]]:
    runs, of_one = _runs_of_changes(bench, large, 1_000_000), _runs_of_changes(bench, one, 2_000_000)
    request = {"models": _MODELS, "home": str(large.home), "image": os.fspath(files_of(large.library)[0])}
    loading = [
        measure(python_program("benchmarks.programs.load_models"), request=request).seconds
        for _ in range(bench.repeats)
    ]
    base = Sample.of(runs["unchanged"], "s")
    rows = []
    for what in ("touched", "of new content"):
        beyond, beyond_of_one = _beyond_unchanged(runs, what), _beyond_unchanged(of_one, what)
        note = f"beyond the unchanged run, which takes {base}; over a library of one file the same is {beyond_of_one}"
        if what == "of new content":
            note += (
                f"; a process that only loads the demo models and shows them one image takes {Sample.of(loading, 's')}"
            )
        rows.append(
            Row(
                title=f"one file of {bench.sizes.unchanged:,} {what}, `image-pipeline ingest`",
                ours=beyond,
                against=None,
                reference="the unchanged run",
                figure=beyond.median,
                unit="s",
                target=_MOST_SECONDS,
                note=note,
            )
        )
    return rows, {"changed": runs, "changed_one": of_one, "loading": loading}


def _runs_of_changes(bench: Bench, ingested: Ingested, serial: int) -> dict[str, list[float]]:
    """Seconds of the command over a library that is unchanged, with its first file touched, and with new content."""
    file = files_of(ingested.library)[0]
    runs: dict[str, list[float]] = {"unchanged": [], "touched": [], "of new content": []}

    def again() -> Measured:
        return bench.ingest(ingested.library, ingested.settings)

    for number in range(_TIMES_MORE * bench.repeats):
        runs["unchanged"].append(again().seconds)
        os.utime(file)
        runs["touched"].append(_checked(again(), embedded=0).seconds)
        runs["unchanged"].append(again().seconds)
        with_serial(photographs(Kind.JPEG_SMALL, 1)[0], serial + number, file)
        runs["of new content"].append(_checked(again(), embedded=1).seconds)
    return runs


def _beyond_unchanged(runs: dict[str, list[float]], what: str) -> Sample:
    base = Sample.of(runs["unchanged"], "s").median
    return Sample.of([seconds - base for seconds in runs[what]], "s")


def _checked(measured: Measured, embedded: int) -> Measured:
    if measured.answer["embedded"] != embedded or measured.answer["quarantined"]:
        raise RuntimeError(f"{embedded} images should have been embedded: {measured.answer}")
    return measured


def _environment(ingested: Ingested) -> dict[str, str]:
    dagster_home = str(ingested.home / "dagster")
    return {**ingested.settings, "IMAGE_LIBRARY": str(ingested.library), "DAGSTER_HOME": dagster_home}


def _ingest_command(ingested: Ingested) -> list[str]:
    return installed_program("image-pipeline", "ingest", str(ingested.library), "--json")


def _job_command(ingested: Ingested) -> list[str]:
    """A run of all partitions of a library, as the README has it."""
    scan = installed_program("image-pipeline", "scan", str(ingested.library), "--json")
    keys = [state["partition"] for state in measure(scan, _environment(ingested)).answer]
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    return installed_program(
        "dagster", "job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags", json.dumps(tags)
    )
