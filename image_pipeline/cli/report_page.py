"""The report as a page: one HTML file with charts, without scripts, and without anything that has to be loaded."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from string import Template

from image_pipeline.services.report import Count, DuplicateGroup, Report
from image_pipeline.terminal import counted, escaped, in_bytes

_QUARANTINED = 1000
_COPIES = 20

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Photographs in $title</title>
<style>
:root {
  --page: #fcfcfb; --panel: #ffffff; --line: #dddcd6; --text: #1d1d1b; --soft: #5c5b56; --bar: #2f6f9f;
  --track: #eceae4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161715; --panel: #1f201e; --line: #3a3b37; --text: #ebeae5; --soft: #a9a8a1; --bar: #6aa9d6;
    --track: #2c2d2a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
main, header { max-width: 76rem; margin: 0 auto; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: 0 0 .75rem; color: var(--soft); max-width: 46rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.figures div { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.figures dt { color: var(--soft); font-size: .875rem; }
.figures dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.charts { columns: 24rem; column-gap: 1rem; margin-bottom: 1rem; }
.charts section { break-inside: avoid; }
.months { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 0 2rem; }
section {
  background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem;
  min-width: 0;
}
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { padding: .15rem 0; text-align: left; font-weight: normal; vertical-align: top; }
thead th, thead td { color: var(--soft); font-size: .875rem; border-bottom: 1px solid var(--line); }
.chart { table-layout: fixed; }
.chart th { width: 42%; padding-right: .75rem; }
.dates th { width: 5.5rem; }
.chart td { vertical-align: middle; }
.chart .number { width: 5rem; text-align: right; font-variant-numeric: tabular-nums; padding: .15rem 0 .15rem .75rem; }
.track { background: var(--track); height: .7rem; border-radius: .2rem; overflow: hidden; }
.track div { background: var(--bar); height: 100%; }
ul { list-style: none; margin: 0; padding: 0; }
.groups > li, .files > li { border-top: 1px solid var(--line); padding: .5rem 0; }
.soft { color: var(--soft); font-size: .875rem; }
</style>
</head>
<body>
<header>
<h1>Photographs in $library</h1>
<p>As of $at. Paths are relative to the library.</p>
</header>
<main>
$figures
<div class="charts">
$charts
</div>
$months
$duplicates
$quarantine
</main>
</body>
</html>
""")


def report_page(report: Report, library: str, at: str) -> str:
    """The page of the report on the library at the path `library`, made at the time `at`; both are texts to show."""
    return _PAGE.substitute(
        title=escape(escaped(library)),
        library=_shown(library),
        at=_shown(at),
        figures=_described(_figures(report)),
        charts="\n".join(_charts(report)),
        months=_months(report),
        duplicates=_duplicates(report),
        quarantine=_quarantine(report),
    )


def _shown(text: str) -> str:
    """A text of any origin, which neither ends its element nor changes the direction of what follows."""
    return f"<bdi>{escape(escaped(text))}</bdi>"


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    yield "Files", f"{report.files:,}"
    yield "Indexed", f"{report.indexed:,}"
    yield "Size of these", in_bytes(report.size_bytes)
    yield "Damaged, but indexed", f"{report.damaged:,}"
    yield "In quarantine", f"{len(report.quarantine):,}"
    yield "Without a date", f"{report.undated:,}"


def _charts(report: Report) -> Iterator[str]:
    are = "is" if report.undated == 1 else "are"
    undated = f" {counted(report.undated, 'photograph')} without a date {are} not counted." if report.undated else ""
    note = f"When photographs were taken, on the photographer's clock.{undated}"
    yield _section("By year", note, _chart(report.years, "Year", kind="dates"))
    yield _section("By camera", "", _chart(report.cameras, "Camera"))
    yield _section("By format", "Formats are identified by content.", _chart(report.formats, "Format"))
    yield _section("By decode path", "How pictures were decoded.", _chart(report.decode_paths, "Decode path"))
    yield _section("Reasons for quarantine", "Why files could not be read.", _chart(report.reasons, "Reason"))


def _months(report: Report) -> str:
    if not report.months:
        return ""
    most = max(map(_most, report.months.values()))
    years = "".join(
        f"<div><h3>{escape(year)}</h3>{_chart(counts, 'Month', most, 'dates')}</div>"
        for year, counts in report.months.items()
    )
    return _section("By month", "The last years in which photographs were taken.", f'<div class="months">{years}</div>')


def _described(figures: Iterable[tuple[str, str]]) -> str:
    return (
        f'<dl class="figures">{"".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures)}</dl>'
    )


def _section(title: str, note: str, content: str) -> str:
    explained = f"<p>{note}</p>" if note else ""
    return f"<section><h2>{title}</h2>{explained}{content}</section>"


def _chart(counts: Sequence[Count], name: str, most: int | None = None, kind: str = "") -> str:
    """A table whose rows have a bar each, so that the numbers are also there for those who do not see the bars.

    The bar of `most` files is full; by default, that of the most frequent value. Files with other values, or with none,
    have no bar: it would dwarf the others.
    """
    if not counts:
        return "<p>None.</p>"
    most = most or _most(counts)
    rows = "".join(_bar(count, most) for count in counts)
    head = f'<thead><tr><th scope="col">{name}</th><td></td><th scope="col" class="number">Files</th></tr></thead>'
    return f'<table class="chart {kind}">{head}<tbody>{rows}</tbody></table>'


def _most(counts: Sequence[Count]) -> int:
    return max((count.files for count in counts if count.is_value), default=0)


def _bar(count: Count, most: int) -> str:
    share = 100 * count.files / most if most else 0
    bar = f'<div class="track"><div style="width:{share:.1f}%"></div></div>' if count.is_value else ""
    return (
        f'<tr><th scope="row">{_shown(count.label)}</th><td aria-hidden="true">{bar}</td>'
        f'<td class="number">{count.files:,}</td></tr>'
    )


def _duplicates(report: Report) -> str:
    found = report.duplicates
    if not found.groups:
        return _section("Duplicates", "No two files have the same picture.", "")
    figures = (
        ("Pictures with several files", f"{found.groups:,}"),
        ("Files of these", f"{found.files:,}"),
        ("Repeat a picture", f"{found.files_repeated:,}"),
        ("Size of these", in_bytes(found.bytes_repeated)),
        ("Identical to another file", f"{found.identical_repeated:,}"),
    )
    note = (
        "Files with the same picture: width, height and the pixels that the embedding model sees agree. Their metadata "
        "may differ, and so may small details: look before you delete one. Identical files have the same bytes. "
        "Pictures whose copies take most bytes come first."
    )
    groups = "".join(_group(group) for group in found.first)
    rest = _rest(found.groups - len(found.first), "picture")
    return _section("Duplicates", note, f'{_described(figures)}<ul class="groups">{groups}</ul>{rest}')


def _group(group: DuplicateGroup) -> str:
    files = "".join(
        f'<li>{_shown(copy.path)} <span class="soft">{in_bytes(copy.size_bytes)}'
        f"{', identical' if copy.is_identical else ''}</span></li>"
        for copy in group.copies[:_COPIES]
    )
    rest = _rest(len(group.copies) - _COPIES, "file")
    return f"<li><ul>{files}</ul>{rest}</li>"


def _quarantine(report: Report) -> str:
    if not report.quarantine:
        return _section("Quarantine", "Every file could be read.", "")
    files = "".join(
        f'<li>{_shown(file.path)}<br><span class="soft">{_shown(file.reason)}: {_shown(file.message)}</span></li>'
        for file in report.quarantine[:_QUARANTINED]
    )
    rest = _rest(len(report.quarantine) - _QUARANTINED, "file")
    note = f"{counted(len(report.quarantine), 'file')} could not be read."
    return _section("Quarantine", note, f'<ul class="files">{files}</ul>{rest}')


def _rest(count: int, noun: str) -> str:
    return f'<p class="soft">And {counted(count, f"more {noun}")}.</p>' if count > 0 else ""
