"""What a browser loads with the page: small, kept, and nothing else."""

import re
from pathlib import Path

from image_pipeline.schema.outcome import Reason
from image_pipeline.services.query_filters import OTHER_NAMES, QUERY_FILTERS
from image_pipeline.web.page.assets import Assets
from image_pipeline.web.page.remedies import REMEDIES
from image_pipeline_tests.support.served import Served

_DOCS = Path(__file__).parents[3] / "docs"
_MOST_BYTES = 60_000
_MOST_LINES = 300


def test_own_scripts_and_styles_are_small() -> None:
    own = {path: asset for path, asset in Assets().own.items() if path.endswith((".js", ".css"))}
    assert sum(len(asset.compressed) for asset in own.values()) < _MOST_BYTES
    longest = {path: asset.content.count(b"\n") for path, asset in own.items()}
    assert {path: lines for path, lines in longest.items() if lines > _MOST_LINES} == {}


def test_scripts_never_make_markup_of_texts() -> None:
    written = b"".join(asset.content for path, asset in Assets().own.items() if path.endswith(".js"))
    assert re.search(rb"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", written) is None


def test_assets_are_kept_by_browsers_until_they_change(shown: Served) -> None:
    shell = shown.get("/").text
    [script] = re.findall(r'src="(/static/[0-9a-f]+/main.js)"', shell)
    kept = shown.get(script)
    assert (kept.status_code, kept.headers["content-encoding"]) == (200, "gzip")
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-type"].startswith("text/javascript")
    assert shown.get(script.replace("/static/", "/static/0")).status_code == 404
    assert shown.get(script.replace("main.js", "%2e%2e/pages.py")).status_code == 404
    assert shown.get(script.replace("main.js", "leaflet/leaflet.js")).status_code == 200
    assert shown.get("/").headers["cache-control"] == "no-store"


def test_the_shell_has_no_inline_script_or_style(shown: Served) -> None:
    for path in ("/", "/map", "/duplicates", "/problems", "/status"):
        shell = shown.get(path).text
        assert re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", shell) is None, path
    assert shown.get("/nothing-here").status_code == 404


def test_filters_and_reasons_are_explained(shown: Served) -> None:
    shell = shown.get("/").text
    described = (_DOCS / "query-language.md").read_text()
    for name in (*QUERY_FILTERS, *OTHER_NAMES):
        assert f"{name}:" in shell and f"{name}:" in described, name
    assert set(REMEDIES) == set(Reason)
