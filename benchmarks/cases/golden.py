"""Golden queries: how many of the photographs that satisfy a query are among the first, and what the cut leaves out."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from benchmarks.bench import Bench
from benchmarks.inputs.golden import Kind
from benchmarks.measuring.estimate import Estimate
from benchmarks.measuring.process import installed_program, python_program
from benchmarks.rows import CaseResult, Row, Target

PLACES = (1, 5, 10)
WAYS = ("dense", "words", "fused")
_NAMES = (Kind.PERSON, Kind.FIRST_NAME, Kind.CITY, Kind.FILE, Kind.DIRECTORY, Kind.KEYWORD)


def golden(bench: Bench) -> CaseResult:
    """Search the demo library and a made library with names for what is known to be in them, and for what is not."""
    demo, made = _demo(bench), _made(bench)
    rows = [
        _recall_row("demo library", "all kinds", demo),
        _recall_row("library with names", "names", [one for one in made if one["kind"] in _NAMES]),
        _recall_row("library with names", "other kinds", [one for one in made if one["kind"] not in _NAMES]),
        *_cut_rows(demo),
    ]
    tables = [
        recall_table(f"The demo library: {_LIBRARY_NOTE}", demo),
        cut_table(demo),
        recall_table(f"A made library with names, {bench.sizes.named:,} photographs", made),
    ]
    return CaseResult(rows, table="\n\n".join(tables))


_LIBRARY_NOTE = "pictures, captions and vectors are those of the bundled models"


def _demo(bench: Bench) -> list[dict[str, Any]]:
    library, settings = bench.new_folder(), bench.settings("demo")
    drawn = python_program("benchmarks.programs.demo_library")
    captions = bench.measure(drawn, request={"library": str(library)}).answer["captions"]
    bench.measure(installed_program("image-pipeline", "ingest", str(library), "--json"), settings)
    return _searched(bench, settings, {"captions": captions})


def _made(bench: Bench) -> list[dict[str, Any]]:
    return _searched(bench, bench.settings("demo"), {"photographs": bench.sizes.named})


def _searched(bench: Bench, settings: dict[str, str], request: dict[str, Any]) -> list[dict[str, Any]]:
    program = python_program("benchmarks.programs.golden")
    queries: list[dict[str, Any]] = bench.measure(program, settings, request=request).answer["queries"]
    if bench.server is not None:
        bench.delete_collections(settings["IMAGE_PIPELINE_COLLECTION"])
    return queries


def recall(query: dict[str, Any], way: str, most: int) -> float:
    """The share of the photographs that satisfy a query that are among the first `most`: of `most`, if there are more.

    The query is one that `benchmarks.programs.golden` reports, and at least one photograph satisfies it.
    """
    return sum(place < most for place in query["places"][way]) / min(most, query["satisfied"])


def recall_table(title: str, queries: Sequence[dict[str, Any]]) -> str:
    """Recall at 1, 5 and 10 by kind of query, as Markdown; for those that nothing satisfies, how many found nothing."""
    lines = [f"**{title}.** Recall at 1, 5 and 10, by the pictures alone, by words alone, and by both.", ""]
    lines += ["| query | queries | dense | words | fused |", "|---|---|---|---|---|"]
    for kind in Kind:
        some = [one for one in queries if one["kind"] == kind]
        if not some:
            continue
        if kind.is_for_nothing:
            cells = [f"{sum(one['found'][way] == 0 for one in some)} of {len(some)} find nothing" for way in WAYS]
        else:
            cells = [
                " · ".join(f"{fmean(recall(one, way, most) for one in some):.2f}" for most in PLACES) for way in WAYS
            ]
        lines.append(f"| {kind} | {len(some)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cut_table(queries: Sequence[dict[str, Any]]) -> str:
    """The share of the photographs that satisfy a query that are close, and the reverse, by kind, as Markdown."""
    lines = ["**The relevance cut in the demo library**, for pictures alone, and for the search, which also lists", ""]
    lines[0] += (
        " photographs with all words, or with one in a name. Recall and precision of all photographs that are close."
    )
    lines += ["| query | pictures: recall | precision | nothing close | search: recall | precision | nothing close |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for kind in Kind:
        some = [one for one in queries if one["kind"] == kind]
        if not some:
            continue
        cells = []
        for way in ("picture", "search"):
            cells += ["", ""] if kind.is_for_nothing else [f"{share:.2f}" for share in closeness(some, way)]
            cells.append(f"{sum(one['close'][way][0] == 0 for one in some)} of {len(some)}")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def closeness(queries: Sequence[dict[str, Any]], way: str) -> tuple[float, float]:
    """The recall and the precision of the photographs that are close, over all pairs of a query and a photograph."""
    close, right = (sum(one["close"][way][place] for one in queries) for place in (0, 1))
    return right / sum(one["satisfied"] for one in queries), right / close if close else 1.0


def _recall_row(library: str, kinds: str, queries: Sequence[dict[str, Any]]) -> Row:
    some = [one for one in queries if one["satisfied"]]
    fused, dense = (fmean(recall(one, way, 10) for one in some) for way in ("fused", "dense"))
    return Row(
        title=f"recall at 10 of the search by words, {library}, {kinds}",
        ours=Estimate.exact(fused, "", len(some)),
        against=Estimate.exact(dense, "", len(some)),
        reference="the pictures alone",
        figure=Estimate.exact(fused - dense, "", len(some)) if fused >= dense else None,
        note=f"{len(some)} queries; the figure is the difference",
    )


def _cut_rows(queries: Sequence[dict[str, Any]]) -> list[Row]:
    shown = [one for one in queries if one["kind"] in (Kind.SCENE, Kind.THING, Kind.THING_ON)]
    nothing = [one for one in queries if one["kind"] in (Kind.UNKNOWN, Kind.PARTLY_KNOWN)]
    silent = fmean(one["close"]["search"][0] == 0 for one in nothing)
    kept = closeness(shown, "search")[0]
    return [
        _share_row("photographs that satisfy a query are close to it, demo library", kept, len(shown), 0.95),
        _share_row("queries for what does not exist find nothing close, demo library", silent, len(nothing), 0.9),
    ]


def _share_row(title: str, share: float, count: int, target: float) -> Row:
    figure = Estimate.exact(share, "", count)
    return Row(title, figure, None, "1", figure, target=Target(target), note=f"{count} queries")
