"""The scrubber beside the grid: where one is in time, and a way to anywhere."""

import re

from playwright.sync_api import Page, expect

from image_pipeline_tests.web.page.hands import search, tiles


def test_it_leads_anywhere(page: Page) -> None:
    slider = page.get_by_role("slider", name="Date")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^\w+ 202[0-9] · [0-9]+ photograph"))
    box = page.locator("#scrubber").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] - 4, steps=5)
    expect(page.locator("#scrubber .hint")).to_have_text(re.compile("Without a date · [0-9]+ photographs"))
    page.mouse.up()
    expect(page.locator("#scrubber .hint")).to_be_hidden()
    expect(tiles(page).last.locator(".date")).to_have_text("No date")
    expect(page.locator("#grid .loaded").last).to_be_visible()


def test_keys_move_by_month_and_year(page: Page) -> None:
    slider = page.get_by_role("slider", name="Date")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    slider.focus()
    page.keyboard.press("ArrowDown")
    expect(slider).to_have_attribute("aria-valuenow", "1")
    before = slider.get_attribute("aria-valuetext") or ""
    page.keyboard.press("PageDown")
    expect(slider).not_to_have_attribute("aria-valuetext", re.compile(before[before.index(" 20") : before.index(" ·")]))
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")


def test_it_is_there_only_in_order_of_date(page: Page) -> None:
    expect(page.get_by_role("slider", name="Date")).to_be_visible()
    search(page, "red")
    expect(page.get_by_role("slider", name="Date")).to_be_hidden()
    page.get_by_role("combobox", name="Order").select_option("Newest")
    expect(page.get_by_role("slider", name="Date")).to_be_visible()
