"""The report: a table for people, from what is kept of all cases."""

from typing import Any

from benchmarks.measuring.speed import SpeedSeen
from benchmarks.results_file import KeptCase
from benchmarks.rows import Row, Verdict

_HEAD = """# What was measured

Written by `python -m benchmarks`; [README](../README.md) says what each case and each reference is. Times are medians,
with the interval beside them that the repeats leave. For rates, *ours* and *against* are the time of an image more,
free of start-up, and that is what the target is judged by; *processor* is the same ratio by processor time, and *whole*
that of whole processes, with imports and loading. What is less sure than it is large is not
stated, and neither is a time that was measured once, since nobody knows how much it varies.
"""
_NOT_MEASURED = "not measured"


def report(cases: list[KeptCase]) -> str:
    """The report, Markdown."""
    parts = [_HEAD, _machine(cases), _table(cases), _notes(cases), _costs(cases)]
    parts += [f"## {case.name}\n\n{case.content['table']}\n" for case in cases if case.content.get("table")]
    parts.append(_pictures())
    return "\n".join(part for part in parts if part)


def _machine(cases: list[KeptCase]) -> str:
    newest = max((case.measured for case in cases), key=lambda measured: measured["machine"]["date"])
    lines = ["| machine | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in newest["machine"].items()]
    return "\n".join(lines) + "\n"


def _table(cases: list[KeptCase]) -> str:
    lines = [
        "| case | ours | against | reference | figure | processor | whole | target | reached |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        for row in case.rows:
            cells = [row.title, str(row.ours), str(row.against or ""), row.reference, figure_text(row)]
            cells += [_processor_text(row), str(row.whole or ""), target_text(row), _reached(row)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def figure_text(row: Row) -> str:
    """What is judged, with its unit and its interval, if it can be stated."""
    return _NOT_MEASURED if row.figure is None else str(row.figure)


def _processor_text(row: Row) -> str:
    if row.processor is None:
        return ""
    if row.against is None:
        return str(row.processor.ours)
    return _NOT_MEASURED if row.processor.figure is None else str(row.processor.figure)


def target_text(row: Row) -> str:
    """What the figure should reach."""
    if row.target is None:
        return ""
    unit = row.figure.unit if row.figure else "×"
    return f"{'≥' if row.target.at_least else '≤'} {row.target.value:g} {unit}".strip()


def _reached(row: Row) -> str:
    return f"**{row.verdict}**" if row.verdict is Verdict.MISSED else row.verdict or ""


def _notes(cases: list[KeptCase]) -> str:
    lines = ["## When, and what else", ""]
    for case in cases:
        measured = case.measured
        lines.append(
            f"- **{case.name}**: {measured['machine']['date']}, {measured['seconds']:.0f} s, load of the machine "
            f"before {measured['load']}; {_speed(measured.get('speed'))}"
        )
        lines += [f"  - {row.title}: {row.note}" for row in case.rows if row.note]
    return "\n".join(lines) + "\n"


def _speed(seen: dict[str, Any] | None) -> str:
    return "the machine's speed was not looked at" if seen is None else str(SpeedSeen(**seen))


def _costs(cases: list[KeptCase]) -> str:
    rows = [row for case in cases for row in case.rows if row.processor is not None]
    if not rows:
        return ""
    lines = [
        "## Processor time and memory",
        "",
        "| case | repeats | processor time, ours | reference | peak memory, ours | reference |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        assert row.processor is not None
        cells = [row.title, str(row.processor.ours.count), str(row.processor.ours), str(row.processor.against or "")]
        cells += [str(one) for one in row.memory] if row.memory else ["", ""]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Processor time is user and system time of all cores and all processes but the Qdrant server's."]
    return "\n".join(lines) + "\n"


def _pictures() -> str:
    names = {"ratios": "ratios against their targets", "stages": "an image, by stage", "growth": "by size of library"}
    return "\n".join(f"![{text}]({name}.png)\n" for name, text in names.items())


_SIGNS = {
    None: " ",
    Verdict.REACHED: "+",
    Verdict.MISSED: "-",
    Verdict.OPEN: "?",
    Verdict.UNMEASURED: "?",
    Verdict.CROWDED: "?",
}


def lines_of(rows: list[Row]) -> list[str]:
    """Two lines for each row, for the terminal: on the wall, and by processor time."""
    told = []
    for row in rows:
        target = f" (target {target_text(row)})" if row.target else ""
        against = "" if row.against is None else f" against {row.against}"
        told.append(f"{_SIGNS[row.verdict]} {row.title}: {figure_text(row)}{target}; {row.ours}{against}")
        if row.processor is not None:
            against = "" if row.processor.against is None else f"; {row.processor.ours} against {row.processor.against}"
            told.append(f"    processor time: {_processor_text(row)}{against}")
    return told
