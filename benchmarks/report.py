"""The report: Markdown tables of the stored results of all cases."""

from typing import Any

from benchmarks.measuring.speed import SpeedSeen
from benchmarks.results_file import KeptCase
from benchmarks.rows import Row, Verdict

_HEAD = """# Results

Written by `python -m benchmarks`; the [README](../README.md) describes the cases, the references and the method. Times
are medians, followed by their intervals. For rates, *ours* and *against* are the times per additional image, without
start-up, and the target applies to their ratio, *figure*. *processor* is the same ratio in CPU time, and *whole* is the
ratio of whole processes, including imports and loading. A figure whose interval is wider than the figure itself is not
reported, nor is a time that was measured only once, because its variation is unknown.
"""
_NOT_MEASURED = "not measured"


def report(cases: list[KeptCase]) -> str:
    """The report of all cases, as Markdown."""
    parts = [_HEAD, _machine(cases), _table(cases), _notes(cases), _costs(cases)]
    parts += [f"## {case.name}\n\n{case.content['table']}\n" for case in cases if case.content.get("table")]
    parts.append(_pictures())
    return "\n".join(part for part in parts if part)


def _newest(cases: list[KeptCase]) -> dict[str, Any]:
    """The machine of the case that was measured last."""
    machines: list[dict[str, Any]] = [case.measured["machine"] for case in cases]
    return max(machines, key=lambda machine: machine["date"])


def _machine(cases: list[KeptCase]) -> str:
    lines = ["| machine | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in _newest(cases).items()]
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
    """The figure of a row with its unit and interval, if it can be reported."""
    return _NOT_MEASURED if row.figure is None else str(row.figure)


def _processor_text(row: Row) -> str:
    if row.processor is None:
        return ""
    if row.against is None:
        return str(row.processor.ours)
    return _NOT_MEASURED if row.processor.figure is None else str(row.processor.figure)


def target_text(row: Row) -> str:
    """The target of a row; empty if it has none."""
    if row.target is None:
        return ""
    unit = row.figure.unit if row.figure else "×"
    return f"{'≥' if row.target.at_least else '≤'} {row.target.value:g} {unit}".strip()


def _reached(row: Row) -> str:
    return f"**{row.verdict}**" if row.verdict is Verdict.MISSED else row.verdict or ""


def _notes(cases: list[KeptCase]) -> str:
    lines, newest = ["## Conditions and notes", ""], _newest(cases)
    for case in cases:
        measured = case.measured
        processor = measured["machine"].get("processor")
        elsewhere = "" if processor == newest.get("processor") else f"; on a different processor: {processor}"
        lines.append(
            f"- **{case.name}**: {measured['machine']['date']}, {measured['seconds']:.0f} s, system load before "
            f"{measured['load']}; {_speed(measured.get('speed'))}{elsewhere}"
        )
        lines += [f"  - {row.title}: {row.note}" for row in case.rows if row.note]
    return "\n".join(lines) + "\n"


def _speed(seen: dict[str, Any] | None) -> str:
    return "the machine's speed was not measured" if seen is None else str(SpeedSeen(**seen))


def _costs(cases: list[KeptCase]) -> str:
    rows = [row for case in cases for row in case.rows if row.processor is not None]
    if not rows:
        return ""
    lines = [
        "## CPU time and memory",
        "",
        "| case | repeats | CPU time, ours | reference | peak memory, ours | reference |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        assert row.processor is not None
        cells = [row.title, str(row.processor.ours.count), str(row.processor.ours), str(row.processor.against or "")]
        cells += [str(one) for one in row.memory] if row.memory else ["", ""]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "CPU time is the user and system time of all processes except the Qdrant server, summed over all cores.",
    ]
    return "\n".join(lines) + "\n"


def _pictures() -> str:
    names = {
        "ratios": "figures relative to their targets",
        "stages": "time per image by stage",
        "growth": "growth with the size of the library",
    }
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
    """Two lines for each row, for the terminal: elapsed time and CPU time."""
    lines = []
    for row in rows:
        target = f" (target {target_text(row)})" if row.target else ""
        against = "" if row.against is None else f" against {row.against}"
        lines.append(f"{_SIGNS[row.verdict]} {row.title}: {figure_text(row)}{target}; {row.ours}{against}")
        if row.processor is not None:
            against = "" if row.processor.against is None else f"; {row.processor.ours} against {row.processor.against}"
            lines.append(f"    CPU time: {_processor_text(row)}{against}")
    return lines
