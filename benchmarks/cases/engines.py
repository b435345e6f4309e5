"""Cases of the embedded Qdrant against a server on the same machine, by the number of points."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.bench import Bench
from benchmarks.engines import DIMENSION, EngineKind
from benchmarks.inputs.queries import FILTERS, KINDS, PLAIN
from benchmarks.measuring.memory import allocated_bytes
from benchmarks.measuring.process import python_program
from benchmarks.measuring.sample import Sample
from benchmarks.rows import CaseResult, Row, Target

_SLOW = 0.95
_PATIENCE = 600.0
"""Seconds to wait for the server's index."""

_SERVER_CASES = 3
"""The last case has no server, which takes more than an hour to index a million points on two cores."""


@dataclass(frozen=True)
class _Goals:
    """The maximums for a number of points: seconds to open, p95 of queries and of filters in ms, memory in MB."""

    opened: float | None = None
    query: float | None = None
    filters: float | None = None
    memory: float | None = None


_GOALS = (_Goals(), _Goals(2, 30, 30, 1000), _Goals(), _Goals(15, 150, None, 4000))
"""By the same index as `Sizes.engine_points`."""


@dataclass
class _Contestant:
    """One of the two: how it was filled, and each process that asked it."""

    kind: EngineKind
    folder: Path
    filled: dict[str, Any] = field(default_factory=dict)
    filling_bytes: int = 0
    disk_bytes: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    def milliseconds(self, kind: str, clock: str = "seconds") -> Sample:
        """The times of all queries of a kind; `clock`: `seconds`, or `cpu_seconds` of the asking process."""
        return Sample.of([1000 * seconds for one in self.asked for seconds in one[clock][kind]], "ms")

    @property
    def rates(self) -> Sample:
        """The points written per second, in parts."""
        return Sample.of(self.filled["rates"], "points/s")

    @property
    def opened(self) -> Sample:
        """The seconds to the first answer."""
        return Sample.of([one["open_seconds"] for one in self.asked], "s")

    def memory(self, when: str, part: int = 0) -> Sample:
        """The memory at a time; `part` 0: proportional set size, 1: the anonymous part."""
        return Sample.of_sizes([one["memory"][when][part] for one in self.asked])


def cases() -> dict[str, Callable[[Bench], CaseResult]]:
    """The cases by name, one for each number of points, so that each can be measured alone."""
    names = ("engines-20k", "engines-100k", "engines-300k", "engines-1m")
    return {name: partial(_measure, index) for index, name in enumerate(names)}


def _measure(index: int, bench: Bench) -> CaseResult:
    """Fill both, and ask each in a process of its own, alternately; returns no rows if there is no server."""
    if bench.server is None:
        return CaseResult([], table="Left out: no Qdrant server was found. Run `make qdrant`.")
    count, queries = bench.sizes.engine_points[index], bench.sizes.engine_queries[index]
    kinds = list(EngineKind) if index < _SERVER_CASES else [EngineKind.EMBEDDED]
    both = [_Contestant(kind, bench.new_folder()) for kind in kinds]
    for one in both:
        one.folder.mkdir()
        request = {"kind": one.kind, "folder": str(one.folder), "points": count, "patience": _PATIENCE}
        filling = bench.measure(python_program("benchmarks.programs.fill_engine"), request=request)
        one.filled, one.filling_bytes = filling.answer, filling.anonymous_bytes
        one.disk_bytes = allocated_bytes(one.folder)
    for turn in range(bench.repeats):
        for one in both if turn % 2 == 0 else reversed(both):
            asked = {"kind": one.kind, "folder": str(one.folder), "seed": turn, "queries": -(-queries // bench.repeats)}
            one.asked.append(bench.measure(python_program("benchmarks.programs.query_engine"), request=asked).answer)
    for one in both:
        shutil.rmtree(one.folder)
    return CaseResult(_rows(count, _GOALS[index], both), table=_table(count, both))


def _rows(count: int, goals: _Goals, both: Sequence[_Contestant]) -> list[Row]:
    points = f"{count:,} points"

    def row(what: str, samples: Sequence[Sample], most: float | None, share: float = 0.5, note: str = "") -> Row:
        ours, against = [*(sample.quantile(share) for sample in samples), None][:2]
        target = None if most is None else Target(most, at_least=False)
        assert ours is not None
        return Row(f"{what}, {points}", ours, against, "server" if against else "", ours, target=target, note=note)

    slowest = max(FILTERS, key=lambda kind: both[0].milliseconds(kind).quantile(_SLOW).value)
    rates = [one.rates for one in both]
    ratio = rates[0].over(rates[1]) if len(rates) > 1 else None
    written = replace(row("upsert", rates, None), figure=ratio)
    plain, filtered = ([one.milliseconds(kind) for one in both] for kind in (PLAIN, slowest))
    return [
        written,
        row("open, until the first answer", [one.opened for one in both], goals.opened),
        row("query p95", plain, goals.query, _SLOW),
        row("slowest of six filters, p95", filtered, goals.filters, _SLOW, f"the slowest: {slowest}"),
        row("memory after a hundred queries", [one.memory("queried") for one in both], goals.memory),
    ]


def _table(count: int, both: Sequence[_Contestant]) -> str:
    """All figures, as Markdown; times are medians and 95 % quantiles."""
    embedded = both[0]
    lines = [
        f"{count:,} points of {DIMENSION} numbers with the full payload. Times of queries are p50 / p95 in ms, of "
        f"{len(embedded.milliseconds(PLAIN).values)} queries of each kind in {len(embedded.asked)} processes.",
        "",
        f"| | {' | '.join(one.kind for one in both)} | embedded, CPU time |",
        f"|{'---|' * (len(both) + 2)}",
    ]

    def add(what: str, text: Callable[[_Contestant], str], processor: str = "") -> None:
        lines.append(f"| {what} | {' | '.join(text(one) for one in both)} | {processor} |")

    add("upsert", lambda one: str(one.rates.estimate))
    add("building the index, or compaction", _indexing)
    add("open, until the first answer", lambda one: str(one.opened.estimate))
    for kind in KINDS:
        processor = _times(embedded.milliseconds(kind, "cpu_seconds"))
        add(kind, lambda one, kind=kind: _times(one.milliseconds(kind)), processor)  # type: ignore[misc]
    add("results, mean of all kinds of filters", lambda one: f"{mean(_found(one, kind) for kind in FILTERS):.1f}")
    add("the same photographs as the exact answer", lambda one: f"{100 * _agreement(embedded, one):.1f} %")
    add("memory before opening", lambda one: str(one.memory("before").estimate) if one is embedded else "")
    for when, name in (("opened", "memory after the first answer"), ("queried", "memory after a hundred queries")):
        add(name, lambda one, when=when: _memory(one, when))  # type: ignore[misc]
    add("anonymous memory at most, while it is filled", lambda one: str(Sample.of_sizes([one.filling_bytes]).estimate))
    add("disk", lambda one: str(Sample.of_sizes([one.disk_bytes]).estimate))
    return "\n".join(lines)


def _indexing(one: _Contestant) -> str:
    kind = "compaction_seconds" if one.kind is EngineKind.EMBEDDED else "indexing_seconds"
    seconds = one.filled[kind]
    return "not finished" if seconds is None else f"{seconds:.0f} s"


def _times(sample: Sample) -> str:
    return " / ".join(f"{sample.quantile(share).value:.1f}" for share in (0.5, _SLOW))


def _found(one: _Contestant, kind: str) -> float:
    """The mean number of results of a query of this kind."""
    found: int = sum(asked["found"][kind] for asked in one.asked)
    return found / len(one.milliseconds(kind).values)


def _agreement(exact: _Contestant, other: _Contestant) -> float:
    """The mean share of the photographs that the plain queries of both find, of those that `exact` finds."""
    pairs = [
        (set(ours), set(theirs))
        for one, two in zip(exact.asked, other.asked, strict=True)
        for ours, theirs in zip(one["answers"], two["answers"], strict=True)
    ]
    return mean(len(ours & theirs) / len(ours) for ours, theirs in pairs)


def _memory(one: _Contestant, when: str) -> str:
    return f"{one.memory(when).estimate}; anonymous {one.memory(when, 1).estimate}"
