"""The documentation refers to things that exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_PATH = re.compile(r"`(image_pipeline(?:_tests)?/[^`\s]*)`")


def _pages() -> list[str]:
    """The Markdown files of the repository, relative to its root; of a copy without git, those in the known places."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True)
    if listed.returncode == 0:
        return sorted(name for name in listed.stdout.decode().split("\n") if name and (ROOT / name).exists())
    folders = ("docs", "benchmarks", "image_pipeline")
    found = [*ROOT.glob("*.md"), *(page for folder in folders for page in (ROOT / folder).rglob("*.md"))]
    return sorted(str(page.relative_to(ROOT)) for page in found)


PAGES = _pages()
PAGES_WITH_PATHS = [name for name in PAGES if name.startswith("docs/") or name == "CONTRIBUTING.md"]


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(_CODE.sub(lambda code: code[0].replace("#", ""), page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_to_a_file(name: str) -> None:
    page = ROOT / name
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert linked.resolve().is_relative_to(ROOT), target
        assert not anchor or anchor in _anchors(linked), target


@pytest.mark.parametrize("name", PAGES_WITH_PATHS)
def test_every_path_of_the_package_exists(name: str) -> None:
    for path in _PATH.findall((ROOT / name).read_text()):
        assert (ROOT / path).exists(), path


def test_the_index_lists_every_decision_in_order() -> None:
    records = sorted(DECISIONS.glob("0*.md"))
    lines = [
        f"| {number} | [{_title(record)}]({record.name}) |"
        for number, record in enumerate(records, start=1)
        if record.name.startswith(f"{number:04}-")
    ]
    assert len(lines) == len(records) > 0, "the numbers have a gap, or one is there twice"
    rows = [line for line in (DECISIONS / "README.md").read_text().splitlines() if re.match(r"\| \d", line)]
    assert rows == lines


def _title(record: Path) -> str:
    """The heading of a record, without its number."""
    heading = record.read_text().partition("\n")[0]
    number, _, title = heading.removeprefix("# ").partition(". ")
    assert int(number) == int(record.name[:4]), heading
    return title


def test_every_decision_has_the_three_parts() -> None:
    for record in DECISIONS.glob("0*.md"):
        headings = _HEADING.findall(record.read_text())
        assert [h for h in headings[1:] if h != "Alternatives"] == ["Context", "Decision", "Consequences"], record.name


def test_the_layout_lists_every_room_and_module() -> None:
    layout = (ROOT / "CONTRIBUTING.md").read_text().partition("\nimage_pipeline/\n")[2].partition("```")[0]
    listed = {
        name for line in layout.splitlines() if line.startswith("  ") for name in re.findall(r"^  \w+/|\w+\.py", line)
    }
    package = ROOT / "image_pipeline"
    rooms = {f"  {path.parent.name}/" for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py") if path.name != "__init__.py"}
    assert listed == rooms | modules
