"""What the bench's report says, of clean figures and of noisy ones."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.cases.embedding import rate_row, stages_of_an_image
from benchmarks.measuring.estimate import Estimate
from benchmarks.measuring.process import Measured
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.speed import Speed
from benchmarks.measuring.turns import Contestant
from benchmarks.plots import draw
from benchmarks.report import lines_of, report
from benchmarks.results_file import ResultsFile
from benchmarks.rows import CaseResult, Row, Target, Verdict
from benchmarks.sizes import Pair

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
MEASURED = {
    "machine": {"date": "2026-01-01 00:00 UTC"},
    "seconds": 1.0,
    "load": "6.5",
    "speed": asdict(Speed([0.1, 0.4], [0.19, 0.2], cores=2).seen),
}


def contestant(few: list[float], many: list[float], cores: float = 1.5) -> Contestant:
    runs = [[Measured(s, cores * 10, 100_000_000, 0, 0) for s in few]]
    runs.append([Measured(s, cores * 20, 100_000_000, 0, 0) for s in many])
    return Contestant(100, 200, *runs)


OURS = contestant([10.0, 10.2, 9.9], [16.0, 16.3, 15.9])
THEIRS = contestant([11.0, 11.1, 11.2], [29.0, 29.4, 29.1], cores=6)
NOISY = contestant([12.0, 9.0, 11.0], [11.0, 12.0, 10.0])


def written(row: Row, folder: Path) -> str:
    """The report of one row, by way of the file of results, and with its plots."""
    results = ResultsFile(folder)
    results.put("jpeg", CaseResult([row]), MEASURED)
    cases = results.cases([])
    draw(cases, folder)
    return report(cases) + "\n".join(lines_of(cases[0].rows))


def test_a_clean_case_is_told_on_the_wall_and_by_processor_time(tmp_path: Path) -> None:
    told = written(rate_row("photographs", OURS, THEIRS, "R1", Target(2.5)), tmp_path)
    assert "| photographs | 60.0 ms (60.0–61.0) | 180.0 ms (179.0–183.0) | R1 | 3.00 × (2.98–3.00) | 4.00 × |" in told
    assert "| yes |" in told
    assert "| photographs | 3 | 150.0 ms | 600.0 ms | 100.0 MB | 100.0 MB |" in told
    assert "+ photographs: 3.00 × (2.98–3.00) (target ≥ 2.5 ×); 60.0 ms (60.0–61.0) against 180.0 ms" in told
    assert "    CPU time: 4.00 ×; 150.0 ms against 600.0 ms" in told
    assert (tmp_path / "ratios.png").is_file()


@pytest.mark.parametrize(("ours", "theirs"), [(NOISY, THEIRS), (OURS, NOISY), (NOISY, NOISY)])
def test_a_noisy_case_says_so_and_has_no_number(ours: Contestant, theirs: Contestant, tmp_path: Path) -> None:
    told = written(rate_row("photographs", ours, theirs, "R1", Target(2.5)), tmp_path)
    row = next(line for line in told.splitlines() if line.startswith("| photographs |"))
    assert "could not be measured here: equal runs varied by 25 %" in row
    assert row.endswith("| ≥ 2.5 × | not measured |")
    assert "? photographs: not measured" in told
    assert "the machine's speed varied by 75 %" in told
    assert not re.search(r"(?<![\w–])-\d", told.replace("2026-01-01", "")), "a negative number"
    assert not (tmp_path / "ratios.png").exists()


def test_where_the_wall_says_nothing_processor_time_may(tmp_path: Path) -> None:
    row = rate_row("photographs", NOISY, THEIRS, "R1", Target(2.5))
    assert (row.figure, row.processor and str(row.processor.figure)) == (None, "4.00 ×")


@pytest.mark.parametrize(
    ("low", "high", "at_least", "verdict"),
    [
        (3.0, 3.4, True, Verdict.REACHED),
        (2.0, 2.4, True, Verdict.MISSED),
        (2.4, 2.6, True, Verdict.OPEN),
        (2.4, 2.6, False, Verdict.OPEN),
        (2.0, 2.4, False, Verdict.REACHED),
        (3.0, 3.4, False, Verdict.MISSED),
        (0.5, 9.0, True, Verdict.UNMEASURED),
    ],
)
def test_a_target_is_reached_only_by_the_whole_interval(
    low: float, high: float, at_least: bool, verdict: Verdict
) -> None:
    figure = Estimate((low + high) / 2, low, high, "×", 3)
    assert Target(2.5, at_least).verdict(figure) is verdict


def test_no_target_is_reached_by_a_figure_that_there_is_not() -> None:
    assert Target(2.5).verdict(None) is Verdict.UNMEASURED


def test_a_time_is_not_judged_while_others_use_the_processors() -> None:
    alone, among_others = Speed([0.05] * 3, [0.098] * 3, cores=2), Speed([0.2, 0.3, 0.25], [0.1] * 3, cores=2)
    assert (alone.crowded, among_others.crowded) == (False, True)
    time = Sample.of([2.0, 2.1, 2.2], "s").estimate
    row = Row("first line", time, None, "", time, target=Target(0.5, at_least=False))
    assert row.verdict is Verdict.MISSED
    assert replace(row, crowded=True).verdict is Verdict.CROWDED
    ratio = rate_row("photographs", OURS, THEIRS, "R1", Target(2.5))
    assert replace(ratio, crowded=True).verdict is Verdict.REACHED


def test_the_machine_is_looked_at_in_a_moment() -> None:
    speed = Speed()
    speed.look()
    speed.look()
    assert len(speed.seconds) == len(speed.cpu_seconds) == 2
    assert 0 < speed.share < 1.2
    assert "the machine's speed varied by" in str(speed.seen)


def test_only_stages_that_can_be_told_from_nothing_are_drawn() -> None:
    few = [{"decoded_tensors": 1.0, "captions": 0.1}, {"decoded_tensors": 1.1, "captions": 0.2}]
    many = [{"decoded_tensors": 3.0, "captions": 0.1}, {"decoded_tensors": 3.2, "captions": 0.1}]
    assert stages_of_an_image(few, many, Pair(100, 200)) == {"decoded_tensors": pytest.approx(20.5)}


def test_the_report_that_stands_here_is_that_of_the_results_beside_it() -> None:
    from benchmarks.cases import CASES

    cases = ResultsFile(RESULTS).cases(list(CASES))
    assert report(cases) == (RESULTS / "report.md").read_text(encoding="utf-8")
    for row in (row for case in cases for row in case.rows):
        assert not re.search(r"(?<![\w–])-\d", " ".join(lines_of([row]))), row.title


def test_a_case_of_a_different_processor_says_so(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    row = rate_row("photographs", OURS, THEIRS, "R1", Target(2.5))
    for name, date, processor in (("jpeg", "2026-01-01", "old"), ("heic", "2026-01-02", "new")):
        results.put(name, CaseResult([row]), MEASURED | {"machine": {"date": date, "processor": processor}})
    told = [line for line in report(results.cases(["jpeg", "heic"])).splitlines() if line.startswith("- **")]
    assert [line.partition("; on a")[2] for line in told] == [" different processor: old", ""]


def test_what_is_kept_of_a_row_is_what_it_was(tmp_path: Path) -> None:
    row = rate_row("photographs", OURS, THEIRS, "R1", Target(2.5))
    assert Row.from_dict(json.loads(json.dumps(row.as_dict()))) == row
    bare = Row("a", Sample.of([1.0, 2.0], "s").estimate, None, "", None)
    assert Row.from_dict(json.loads(json.dumps(bare.as_dict()))) == bare
