"""The report on a library: the summary, the table of its files, the page with charts."""

import csv
import os
import pty
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser, sync_playwright

from image_pipeline.cli.main import main
from image_pipeline.cli.report_page import report_page
from image_pipeline.schema.payload import PAYLOAD
from image_pipeline.services.report import Copy, Count, DuplicateGroup, Duplicates, Quarantined, Report
from image_pipeline.terminal import escaped
from image_pipeline_tests.cli.conftest import ODD
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.shell import PROGRAM

HOSTILE = "<script>document.title = 'owned'</script><img src=x>&\u202e"


def report(pipeline: Pipeline, *options: str) -> Result:
    return CliRunner().invoke(main, ["report", *options, "--home", str(pipeline.settings.home)])


def table(pipeline: Pipeline, tmp_path: Path) -> dict[str, dict[str, str]]:
    done = report(pipeline, "--csv", str(tmp_path / "files.csv"))
    assert (done.exit_code, done.stdout) == (0, f"The report on 8 files is in {tmp_path}/files.csv.\n")
    with open(tmp_path / "files.csv", encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def test_the_summary(pipeline: Pipeline) -> None:
    points = pipeline.points()
    total = sum(point["size_bytes"] for point in points.values())
    repeated = sum(points[path]["size_bytes"] for path in ("same.jpg", "grandma.jpg", "retagged 1.jpg"))
    assert report(pipeline).stdout.splitlines() == [
        f"files         8: 6 indexed ({total / 1000:.0f} KB), 2 in quarantine",
        "years         2024 2, 1965 1",
        "undated       3",
        "cameras       Canon EOS R5 2, unknown 4",
        "formats       jpeg 8",
        "decode paths  full 6",
        "quarantine    truncated 2",
        f"duplicates    2 pictures in 5 files; 3 of them ({repeated / 1000:.1f} KB) repeat a picture",
    ]


def test_the_table_has_every_file_with_its_facts(pipeline: Pipeline, tmp_path: Path) -> None:
    rows, points = table(pipeline, tmp_path), pipeline.points()
    assert list(rows) == sorted([*points, "cut.jpg", "trip/cut too.jpg"])
    columns = [
        name for field in PAYLOAD for name in ([field.name] if field.name != "place" else ["latitude", "longitude"])
    ]
    assert set(rows["same.jpg"]) == {*columns, "format", "reason", "message", "since"}
    for path, point in points.items():
        for name in ("sha256", "pixels", "width", "taken_local", "camera_model", "directory", "digest"):
            assert rows[path][name] == str(point.get(name, "")), (path, name)
        assert (rows[path]["format"], rows[path]["reason"]) == ("jpeg", "")
    assert rows["same.jpg"]["keywords"] == "cat; '=red"
    [entry] = [file for file in pipeline.quarantine() if file.path == "cut.jpg"]
    cut = rows["cut.jpg"]
    assert [cut[name] for name in ("sha256", "reason", "message", "since", "format", "width")] == [
        *(entry.sha256, "truncated", entry.message, entry.since, "jpeg", "")
    ]
    assert f"{ODD}/{ODD}.jpg" in rows


def test_no_text_is_a_formula(pipeline: Pipeline, tmp_path: Path) -> None:
    rows = table(pipeline, tmp_path)
    assert rows["same.jpg"]["title"] == "'=HYPERLINK(1)"
    assert rows["same.jpg"]["description"] == "'-1+1"
    assert rows["same.jpg"]["keywords"] == "cat; '=red", "a semicolon separates cells in many countries"
    assert rows["same.jpg"]["rating"] == "-1", "a number is none"


def test_a_file_is_replaced_and_others_may_read_a_new_one(pipeline: Pipeline, tmp_path: Path) -> None:
    os.umask(0o027)
    new, kept, target, link = (tmp_path / name for name in ("new.csv", "kept.csv", "target.csv", "link.csv"))
    kept.write_text("before")
    kept.chmod(0o600)
    target.write_text("before")
    link.symlink_to(target)
    for file in (new, kept, link):
        assert report(pipeline, "--csv", str(file)).exit_code == 0
    assert [stat.S_IMODE(file.stat().st_mode) for file in (new, kept)] == [0o640, 0o600]
    assert new.read_bytes() == kept.read_bytes() == link.read_bytes()
    assert target.read_text() == "before" and not link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.csv", "link.csv", "new.csv", "target.csv"]


def test_a_file_that_cannot_be_written(pipeline: Pipeline, tmp_path: Path) -> None:
    picture = pipeline.root / "same.jpg"
    for file, message in (
        (tmp_path / "no/a.csv", f"The folder {tmp_path}/no does not exist: create it, or name a different one."),
        (tmp_path, f"{tmp_path} is a folder: give the name of a file in it."),
        (Path("/dev/null"), "/dev/null is not a regular file: give the name of a file, or `-` for stdout."),
        (picture, f"{picture} may be a picture, and is not overwritten: give the name of another file."),
    ):
        for option in ("--csv", "--html"):
            done = report(pipeline, option, str(file))
            assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"image-pipeline: {message}\n")
    done = report(pipeline, "--csv", "a", "--html", "b")
    assert done.exit_code == 2 and "Give either --csv FILE or --html FILE." in done.stderr


def test_before_the_first_ingestion(tmp_path: Path) -> None:
    store = tmp_path / "store"
    done = CliRunner().invoke(main, ["report", "--home", str(store)])
    message = f"Nothing has been ingested into the store {store} yet: run `image-pipeline ingest DIRECTORY`."
    assert (done.exit_code, done.stderr) == (1, f"image-pipeline: {message}\n")


def test_stdout_has_the_bytes_of_the_file_unless_it_is_a_terminal(pipeline: Pipeline, tmp_path: Path) -> None:
    table(pipeline, tmp_path)
    command = [PROGRAM, "report", "--csv", "-", "--home", str(pipeline.settings.home)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, env=environment)
    assert (done.stdout, done.stderr) == ((tmp_path / "files.csv").read_bytes(), b"")
    assert "\u202e" in done.stdout.decode() and "\x1b" in done.stdout.decode()
    terminal, its_end = pty.openpty()
    with subprocess.Popen(command, stdout=its_end, env=dict(os.environ)) as process:
        os.close(its_end)
        shown = b""
        while part := _read(terminal):
            shown += part
        assert process.wait() == 0
    os.close(terminal)
    assert rb"a\x1b[2J" in shown and b"\x1b" not in shown and "\u202e" not in shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux, when the other end is closed
        return b""


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def test_the_page_is_read_on_any_screen_and_loads_nothing(pipeline: Pipeline, tmp_path: Path, browser: Browser) -> None:
    file = tmp_path / "page.html"
    assert report(pipeline, "--html", str(file)).stdout == f"The report on 8 files is in {file}.\n"
    for width in (360, 1400):
        for scheme, is_dark in (("light", False), ("dark", True)):
            context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page = context.new_page()
            requests: list[str] = []
            page.on("request", lambda request, requests=requests: requests.append(request.url))
            page.goto(file.as_uri())
            assert requests == [file.as_uri()]
            assert page.evaluate("document.documentElement.scrollWidth") == width, "nothing is cut off"
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, background[4:-1].split(","))) < 200) == is_dark
            titles = [heading.inner_text() for heading in page.locator("h2").all()]
            assert titles == [
                *("By year", "By camera", "By format", "By decode path", "Reasons for quarantine"),
                *("By month", "Duplicates", "Quarantine"),
            ]
            cameras = page.locator("section", has_text="By camera").locator("tbody tr")
            assert [row.inner_text().split() for row in cameras.all()] == [
                ["Canon", "EOS", "R5", "2"],
                ["unknown", "4"],
            ]
            context.close()


def test_a_hostile_text_is_shown_and_not_obeyed(tmp_path: Path, browser: Browser) -> None:
    found = Report(
        files=2,
        indexed=1,
        damaged=0,
        size_bytes=1,
        years=[],
        months={},
        undated=1,
        cameras=[Count(HOSTILE, 1)],
        formats=[],
        decode_paths=[],
        reasons=[Count(HOSTILE, 1)],
        quarantine=[Quarantined(HOSTILE, HOSTILE, HOSTILE)],
        duplicates=Duplicates(1, 2, 1, 1, 1, [DuplicateGroup([Copy(HOSTILE, 1, True), Copy("b", 1, True)], 1)]),
    )
    file = tmp_path / "page.html"
    file.write_text(report_page(found, HOSTILE, "now"))
    page = browser.new_page()
    page.goto(file.as_uri())
    shown = escaped(HOSTILE)
    assert page.title() == f"Photographs in {shown}"
    assert page.locator("script, img").count() == 0
    assert page.inner_text("main").count(shown) == 6
    page.close()
