"""The report command: a summary of the library, a table of its files, or a page with charts."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.cli.documents import check_document, write_file
from image_pipeline.cli.options import errors_for_people, shared_options
from image_pipeline.files.names import to_text
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings
from image_pipeline.terminal import counted, echo, in_bytes, write_document

if TYPE_CHECKING:
    import pandas as pd

    from image_pipeline.services.report import Count, Report

_STDOUT = Path("-")
_DOCUMENT = click.Path(path_type=Path)
_ROWS_AT_ONCE = 5000
_SHOWN = 8
_FORMULA = r"(^|[;\t\r\n]\s*)(?=[=+\-@\t\r])"
"""The place before what a spreadsheet takes for a formula: in many countries, a semicolon separates the cells."""


@click.command()
@click.option("--csv", "csv_file", type=_DOCUMENT, metavar="FILE", help="Write a table of all files to FILE.")
@click.option("--html", "html_file", type=_DOCUMENT, metavar="FILE", help="Write a page with charts to FILE.")
@shared_options
@errors_for_people
def report(csv_file: Path | None, html_file: Path | None, **given: Any) -> None:
    """Summarize the library: files by year, camera, format, decode path and reason, and duplicates.

    With --csv or --html, FILE is written instead of the summary. A FILE that exists is replaced; `-` is stdout.

    The CSV has one row per file, those in quarantine included, in UTF-8. Its columns are the payload fields
    (docs/payload.md), format, and for files in quarantine reason, message and since. Lists are joined by "; ", and
    place is split into latitude and longitude. An apostrophe is put before a text that begins with =, +, -, @, a tab
    or a carriage return, so that no spreadsheet takes it for a formula.

    The page is one file without scripts that loads nothing from elsewhere.
    """
    if csv_file is not None and html_file is not None:
        raise click.UsageError("Give either --csv FILE or --html FILE.")
    file = csv_file or html_file
    if file is not None and file != _STDOUT:
        check_document(file)  # before the work
    wiring = Wiring(load_settings(**given))
    from image_pipeline.services.library_table import library_table

    table = library_table(wiring)
    if csv_file is not None:
        _write(csv_file, _csv(table), len(table))
        return
    from image_pipeline.services.report import report_on

    found = report_on(table)
    if html_file is None:
        for line in _lines(found):
            echo(line)
        return
    from image_pipeline.cli.report_page import report_page

    library = to_text(str(wiring.ledger.library() or ""))
    at = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    _write(html_file, iter([report_page(found, library, at)]), len(table))


def _write(file: Path, parts: Iterator[str], files: int) -> None:
    if file == _STDOUT:
        write_document(parts)
        return
    write_file(file, parts)
    echo(f"The report on {counted(files, 'file')} is in {to_text(str(file))}.")


def _csv(table: "pd.DataFrame") -> Iterator[str]:
    """The table as CSV (RFC 4180), in parts."""
    for start in range(0, max(len(table), 1), _ROWS_AT_ONCE):
        rows = table.iloc[start : start + _ROWS_AT_ONCE].copy()
        for name in [str(column) for column in rows.columns if rows[column].dtype == "str"]:
            rows[name] = rows[name].str.replace(_FORMULA, r"\1'", regex=True)
        yield rows.to_csv(index=False, header=start == 0, lineterminator="\r\n")


def _lines(found: "Report") -> Iterator[str]:
    counts = f"{found.indexed:,} indexed ({in_bytes(found.size_bytes)}), {len(found.quarantine):,} in quarantine"
    damaged = f", {found.damaged:,} indexed although damaged" if found.damaged else ""
    rows = [
        ("files", f"{found.files:,}: {counts}{damaged}"),
        ("years", _listed(found.years[::-1], "earlier years")),
        ("undated", f"{found.undated:,}" if found.undated else ""),
        ("cameras", _listed(found.cameras, "other cameras")),
        ("formats", _listed(found.formats, "other formats")),
        ("decode paths", _listed(found.decode_paths, "other ways")),
        ("quarantine", _listed(found.reasons, "other reasons")),
    ]
    for name, value in rows:
        if value:
            yield f"{name:<13} {value}"
    same = found.duplicates
    repeated = f"; {same.files_repeated:,} of them ({in_bytes(same.bytes_repeated)}) repeat a picture"
    several = f"{counted(same.groups, 'picture')} in {counted(same.files, 'file')}{repeated}" if same.groups else "none"
    yield f"{'duplicates':<13} {several}"


def _listed(counts: Sequence["Count"], others: str) -> str:
    from image_pipeline.services.report import UNKNOWN

    unknown = [count for count in counts if count.files and count.label == UNKNOWN]
    counts = [count for count in counts if count.files and count.label != UNKNOWN]
    parts = [f"{count.label} {count.files:,}" for count in (*counts[:_SHOWN], *unknown)]
    rest = sum(count.files for count in counts[_SHOWN:])
    return ", ".join([*parts, f"{others} {rest:,}"] if rest else parts)
