"""The grid: photographs in order of date, their dates, why they match; few nodes, no shift, the keyboard, the sizes."""

import re

from playwright.sync_api import Page, expect

from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.web.page.conftest import NARROW
from image_pipeline_tests.web.page.hands import search, tiles


def test_the_newest_come_first_each_with_its_date(page: Page, demo: Pipeline) -> None:
    dates = sorted(
        (str(one["taken_local"])[:10] for one in demo.points().values() if one.get("taken_local")), reverse=True
    )
    expect(tiles(page).first.locator(".date")).to_have_text(re.compile(str(int(dates[0][8:10]))))
    expect(page.locator("#summary")).to_have_text(re.compile(f"{len(demo.points())} photographs"))
    expect(page.locator("#live")).to_have_text(re.compile("photographs"))
    assert page.locator("#grid .date").count() == tiles(page).count()


def test_what_was_searched_says_why_it_matches(page: Page, width: int) -> None:
    search(page, "red circle")
    first = tiles(page).first
    why = first.locator(".why")
    expect(why).to_have_css("opacity", "0")
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles(page).nth(1)).to_be_focused()
    expect(tiles(page).nth(1).locator(".why")).to_have_css("opacity", "1")
    expect(tiles(page).nth(1).locator(".why")).to_have_text(re.compile("“red” in caption.* picture 0.[0-9]{2}"))


def test_only_what_is_near_the_window_exists(page: Page, width: int) -> None:
    expect(tiles(page).first).to_be_visible()
    counts = []
    for _ in range(12):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(60)
        counts.append(page.locator("#grid *").count())
    assert max(counts) < 900
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height > (8000 if width == NARROW else 5000)


def test_photographs_stay_where_they_are_while_others_are_loaded(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    page.evaluate(
        """() => { window.shift = 0; new PerformanceObserver((list) => {
             for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value
           }).observe({type: 'layout-shift', buffered: true}) }"""
    )
    for _ in range(10):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(80)
    assert page.evaluate("window.shift") < 0.05


def test_the_keyboard_moves_through_the_grid(page: Page) -> None:
    first = tiles(page).first
    expect(first).to_be_visible()
    page.keyboard.press("Tab")  # to the link that leads to the photographs
    page.keyboard.press("Enter")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(tiles(page).nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.getBoundingClientRect().top")
    assert below > page.evaluate("document.querySelector('#grid a').getBoundingClientRect().bottom")
    page.keyboard.press("End")
    expect(page.locator("#grid a:focus .date")).to_have_text("No date")
    page.keyboard.press("Home")
    expect(tiles(page).first).to_be_focused()
    assert page.evaluate("scrollY") < 200


def test_two_sizes(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    large = tiles(page).first.bounding_box()
    page.get_by_role("button", name="Small pictures").click()
    expect(page.get_by_role("button", name="Small pictures")).to_have_attribute("aria-pressed", "true")
    small = tiles(page).first.bounding_box()
    assert large is not None and small is not None and small["height"] < large["height"]
    page.reload()
    expect(tiles(page).first).to_be_visible()
    again = tiles(page).first.bounding_box()
    assert again is not None and abs(again["height"] - small["height"]) < 1
