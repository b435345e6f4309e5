"""The plots of the report."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmarks.report import figure_text, target_text
from benchmarks.results_file import KeptCase
from benchmarks.rows import Row, Verdict

_REACHED, _SHORT, _OPEN, _OURS, _THEIRS = "#2a7f62", "#b5482f", "#d9a441", "#33658a", "#9aa5b1"
_COLOURS = {Verdict.REACHED: _REACHED, Verdict.MISSED: _SHORT, Verdict.OPEN: _OPEN}
_DPI = 110


def draw(cases: list[KeptCase], folder: Path) -> None:
    """Draw `ratios.png`, `stages.png` and `growth.png`; a plot without data is deleted."""
    _ratios(cases, folder / "ratios.png")
    _stages(cases, folder / "stages.png")
    _growth(cases, folder / "growth.png")


def _ratios(cases: list[KeptCase], path: Path) -> None:
    """The ratio of each figure to its target, inverted if the target is a maximum: right of the line is better.

    Cosines, which are all near 1, and figures that could not be measured are only in the table.
    """
    rows = [row for case in cases for row in case.rows if row.verdict in _COLOURS and row.figure and row.figure.unit]
    if not rows:
        path.unlink(missing_ok=True)
        return
    shares = [_share(row) for row in rows]
    figure, axes = plt.subplots(figsize=(11, 0.42 * len(rows) + 1.4))
    axes.barh(range(len(rows)), shares, color=[_COLOURS[row.verdict] for row in rows if row.verdict])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row.title for row in rows], fontsize=7)
    axes.invert_yaxis()
    for number, (row, share) in enumerate(zip(rows, shares, strict=True)):
        axes.text(share, number, f" {figure_text(row)} ({target_text(row)})", va="center", fontsize=7)
    axes.set_xlim(min(0.3, *shares) * 0.8, max(3.0, *shares) * 4)
    axes.set_xlabel("target = 1; further right is better; yellow: the target is within the spread")
    _save(figure, path)


def _share(row: Row) -> float:
    """The factor by which a figure is better than its target."""
    assert row.target is not None and row.figure is not None
    share = row.figure.value / row.target.value
    return share if row.target.at_least else 1 / share


def _stages(cases: list[KeptCase], path: Path) -> None:
    """The reportable times per additional image: of each stage of the pipeline, and of the reference."""
    shown = {title: parts for case in cases for title, parts in case.content.get("stages", {}).items() if parts}
    if not shown:
        path.unlink(missing_ok=True)
        return
    figure, axes = plt.subplots(figsize=(11, 0.5 * len(shown) + 1.6))
    names = list(dict.fromkeys(name for parts in shown.values() for name in parts if name != "whole loop"))
    colours = {name: f"C{number}" for number, name in enumerate(names)} | {"whole loop": _THEIRS}
    for number, parts in enumerate(shown.values()):
        left = 0.0
        for name, value in parts.items():
            axes.barh(number, value, left=left, color=colours[name])
            left += value
    labels = [title.replace(" → embedding in the collection", "").replace("|", ": ") for title in shown]
    axes.set_yticks(range(len(shown)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("ms per image; stages overlap, so their sum may exceed the elapsed time")
    handles = [Patch(color=colour) for colour in colours.values()]
    axes.legend(handles, list(colours), fontsize=7)
    _save(figure, path)


def _growth(cases: list[KeptCase], path: Path) -> None:
    """The time per file and the peak memory, by the size of the library."""
    points = [point for case in cases for point in case.content.get("growth", [])]
    if not points:
        path.unlink(missing_ok=True)
        return
    figure, both = plt.subplots(1, 2, figsize=(11, 4))
    columns = (("milliseconds_a_file", "ms per file"), ("peak_megabytes", "peak memory, MB"))
    for axes, (column, label) in zip(both, columns, strict=True):
        for flat, name, colour in ((True, "in one directory", _OURS), (False, "in many directories", _SHORT)):
            known = (p for p in points if p[column] is not None)
            curve = sorted((p["files"], p[column]) for p in known if (p["directories"] == 1) is flat)
            axes.plot([x for x, _ in curve], [y for _, y in curve], "o-", label=name, color=colour)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
        axes.set_xlabel("files")
        axes.set_ylabel(label)
        axes.legend(fontsize=8)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=_DPI, bbox_inches="tight")
    plt.close(figure)
