"""The report: a table for people, from what is kept of all cases."""

from benchmarks.measuring.sample import Sample
from benchmarks.results_file import KeptCase
from benchmarks.rows import Row

_HEAD = """# What was measured

Written by `python -m benchmarks`; [README](../README.md) tells what each case and each reference is. Times are medians,
with the least and the most beside them. For rates, *ours* and *against* are the time of an image more, free of
start-up, and that is what the target is judged by; *whole* is the ratio of whole processes, with imports and loading.
"""


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
        "| case | ours | against | reference | figure | whole | target | reached |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        for row in case.rows:
            against = str(row.against) if row.against else ""
            whole = f"{row.whole:.2f} ×" if row.whole is not None else ""
            cells = [row.title, str(row.ours), against, row.reference, figure_text(row), whole, target_text(row)]
            lines.append(f"| {' | '.join(cells)} | {_reached(row)} |")
    return "\n".join(lines) + "\n"


def figure_text(row: Row) -> str:
    """What is judged, with its unit."""
    if row.unit == "":
        return f"{row.figure:.4f}"
    digits = 4 if row.unit == "s" and abs(row.figure) < 0.1 else 2
    return f"{row.figure:.{digits}f} {row.unit}"


def target_text(row: Row) -> str:
    """What the figure should reach."""
    if row.target is None:
        return ""
    return f"{'≥' if row.target.at_least else '≤'} {row.target.value:g} {row.unit}".strip()


def _reached(row: Row) -> str:
    return "" if row.reached is None else "yes" if row.reached else "**no**"


def _notes(cases: list[KeptCase]) -> str:
    lines = ["## When, and what else", ""]
    for case in cases:
        measured = case.measured
        lines.append(
            f"- **{case.name}**: {measured['machine']['date']}, {measured['repeats']} repeats, "
            f"{measured['seconds']:.0f} s, load of the machine before {measured['load']}"
        )
        lines += [f"  - {row.title}: {row.note}" for row in case.rows if row.note]
    return "\n".join(lines) + "\n"


def _costs(cases: list[KeptCase]) -> str:
    rows = [row for case in cases for row in case.rows if row.also and len(row.also) > 1]
    if not rows:
        return ""
    columns = list(dict.fromkeys(name for row in rows for name in row.also or {}))
    lines = ["## Processor time and memory", "", f"| case | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [(row.also or {}).get(name, "") for name in columns]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    lines += ["", "Processor time is that of all cores and all processes but the Qdrant server's."]
    return "\n".join(lines) + "\n"


def _pictures() -> str:
    names = {"ratios": "ratios against their targets", "stages": "an image, by stage", "growth": "by size of library"}
    return "\n".join(f"![{text}]({name}.png)\n" for name, text in names.items())


def lines_of(rows: list[Row]) -> list[str]:
    """A line for each row, for the terminal."""
    told = []
    for row in rows:
        sign = {None: " ", True: "+", False: "-"}[row.reached]
        target = f" (target {target_text(row)})" if row.target else ""
        told.append(f"{sign} {row.title}: {figure_text(row)}{target}; {row.ours}{_against(row.against)}")
    return told


def _against(sample: Sample | None) -> str:
    return "" if sample is None else f" against {sample}"
