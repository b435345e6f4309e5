"""The map: clusters, drawn without anything from elsewhere; a click or a rectangle is a filter."""

import re

from playwright.sync_api import Page, expect

from image_pipeline_tests.web.page.hands import tiles


def _open(page: Page) -> None:
    page.get_by_role("link", name="Map").click()
    expect(page.locator(".cluster").first).to_be_visible()


def test_a_cluster_shows_its_photographs(page: Page) -> None:
    _open(page)
    expect(page.locator(".map-note")).to_have_text(re.compile("[0-9]+ photographs with a place"))
    assert page.locator("#map canvas").count() == 1
    cluster = page.locator(".cluster-mark").first
    count = cluster.inner_text()
    cluster.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(re.compile("area on the map"))
    expect(page.locator("#summary")).to_have_text(re.compile(f"^{count} photographs?$"))
    expect(page).to_have_url(re.compile(r"/\?q=box:"))
    page.go_back()
    expect(page.locator(".cluster").first).to_be_visible()


def test_a_drawn_rectangle_is_a_filter(page: Page) -> None:
    _open(page)
    page.get_by_role("button", name="Draw a rectangle").click()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 20, steps=6)
    page.mouse.up()
    expect(page.locator(".chip")).to_have_text(re.compile("area on the map"))
    expect(tiles(page).first).to_be_visible()


def test_the_filters_of_a_search_hold_on_the_map(page: Page) -> None:
    page.goto(page.url + "map?q=city:Lisbon")
    expect(page.locator(".cluster").first).to_be_visible()
    expect(page.locator(".map-note")).to_have_text(re.compile("photographs with a place"))
    page.get_by_role("link", name="Show the photographs").click()
    expect(page).to_have_url(re.compile(r"/\?q=city:Lisbon$"))
    expect(tiles(page).first).to_be_visible()
