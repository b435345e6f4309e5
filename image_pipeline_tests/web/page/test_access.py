"""Everybody can use the page: axe-core finds nothing in any view, and the keyboard alone leads everywhere."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from image_pipeline_tests.support.served import Served
from image_pipeline_tests.web.page.conftest import NARROW, WIDE, context_of
from image_pipeline_tests.web.page.hands import box, tiles

_AXE = Path(__file__).parents[3] / ".tools/axe/node_modules/axe-core/axe.min.js"

_VIEWS = {
    "/": "#grid .loaded",
    "/?q=red+circle+camera:demo": "#grid .loaded",
    "/?q=quarterly+tax+report": ".nothing",
    "/?q=camera:nonsense": ".nothing",
    "/map": ".cluster",
    "/duplicates": ".group img",
    "/problems": ".reason",
    "/status": ".figures",
}


@pytest.fixture(scope="session")
def axe() -> str:
    """The program of axe-core. Tests that need it are skipped where there is none, or fail where CI says so."""
    if not _AXE.exists():
        message = "There is no axe-core here: run `make axe`."
        if os.environ.get("IMAGE_PIPELINE_TESTS_NEED_AXE") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return _AXE.read_text()


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds, each with the elements."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations)")
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing(shown: Served, browser: Browser, axe: str, width: int, scheme: str) -> None:
    with context_of(browser, width, "dark" if scheme == "dark" else "light") as context:
        page = context.new_page()
        page.emulate_media(reduced_motion="reduce")
        found: dict[str, list[str]] = {}
        for view, sign in _VIEWS.items():
            page.goto(f"http://127.0.0.1:{shown.port}{view}")
            expect(page.locator(sign).first).to_be_visible(timeout=20_000)
            found[view] = violations(page, axe)
        page.goto(f"http://127.0.0.1:{shown.port}/")
        tiles(page).first.click()
        page.keyboard.press("i")
        expect(page.locator(".frame img")).to_have_attribute("src", re.compile("1024"))
        found["viewer"] = violations(page, axe)
        page.keyboard.press("i")
        page.wait_for_timeout(200)
        found["panel"] = violations(page, axe)
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Help")).to_be_visible()
        found["help"] = violations(page, axe)
        page.keyboard.press("Escape")
        box(page).click()
        page.keyboard.type("camera:de")
        expect(page.get_by_role("option", name=re.compile("Demo")).first).to_be_visible()
        found["suggestions"] = violations(page, axe)
    assert {view: one for view, one in found.items() if one} == {}


def test_the_keyboard_alone_finds_a_photograph(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    page.keyboard.type("red circle city:li", delay=20)
    expect(page.get_by_role("option", name=re.compile("Lisbon"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(re.compile("city Lisbon"))
    expect(page).to_have_url(re.compile("city:Lisbon"))
    expect(page.locator("#photographs")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#live")).to_have_text(re.compile("photograph"))
    for _ in range(12):  # the buttons of the box, help, the order, the size
        page.keyboard.press("Tab")
        if page.locator("#grid a:focus").count():
            break
    expect(tiles(page).first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Photograph")).to_be_visible()
    page.keyboard.press("Escape")
    expect(tiles(page).first).to_be_focused()


def test_there_are_landmarks_and_a_way_past_the_header(page: Page) -> None:
    for landmark in ("banner", "navigation", "search", "main"):
        expect(page.get_by_role(landmark)).to_have_count(1)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", level=1)).to_have_text("Photographs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the photographs")).to_be_focused()


def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    for view in ("", "?q=red+circle+camera:demo+keyword:a+rating:1..", "duplicates", "problems", "status", "map"):
        page.goto(page.url.split("?")[0].rsplit("/", 1)[0] + f"/{view}")
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
