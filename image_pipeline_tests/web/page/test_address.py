"""The address has all of the state: back, reload and links lead to the same place."""

import re

from playwright.sync_api import Page, expect

from image_pipeline_tests.web.page.hands import box, search, tiles


def _scroll_to_middle(page: Page) -> str:
    """Scroll, and give the address of the photograph in the middle of the window."""
    page.mouse.move(150, 400)
    for _ in range(5):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(150)
    page.wait_for_timeout(600)
    return _in_the_middle(page)


def _in_the_middle(page: Page) -> str:
    return str(page.evaluate("document.elementFromPoint(100, 400).closest('a')?.dataset.id ?? ''"))


def _expect_in_the_middle(page: Page, id_: str) -> None:
    expect(page.locator(f'#grid a[data-id="{id_}"]')).to_be_in_viewport()
    page.wait_for_timeout(300)
    assert _in_the_middle(page) == id_


def test_back_returns_to_the_same_place(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    seen = _scroll_to_middle(page)
    search(page, "red circle")
    assert page.evaluate("scrollY") < 300
    page.go_back()
    _expect_in_the_middle(page, seen)


def test_after_back_the_other_photographs_are_loaded(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    search(page, "red circle")
    page.go_back()
    expect(page.locator("#summary")).to_contain_text("photographs")
    tiles(page).first.focus()
    page.keyboard.press("End")
    expect(page.locator("#grid a:focus img")).to_be_visible()


def test_back_from_another_view_returns_to_the_same_place(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    seen = _scroll_to_middle(page)
    for view in ("Map", "Duplicates"):
        page.get_by_role("link", name=view).evaluate("(link) => link.click()")  # Playwright's own click scrolls before
        expect(page).to_have_url(re.compile(f"/{view.lower()}$"))
        page.wait_for_timeout(300)
        page.go_back()
        _expect_in_the_middle(page, seen)


def test_a_reload_shows_the_same_place(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    seen = _scroll_to_middle(page)
    page.reload()
    _expect_in_the_middle(page, seen)


def test_back_from_a_photograph_returns_to_the_same_place(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    seen = _scroll_to_middle(page)
    page.mouse.click(100, 400)
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page).to_have_url(re.compile(f"photo={seen}"))
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    _expect_in_the_middle(page, seen)


def test_a_link_opens_a_photograph_of_a_search(page: Page) -> None:
    search(page, "camera:demo red")
    link = tiles(page).nth(2).get_attribute("href")
    assert link is not None
    page.goto(page.url.split("?")[0].rstrip("/") + link)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(tiles(page).nth(2)).to_be_focused()
    expect(box(page)).to_have_value("red")
    expect(page.locator(".chip")).to_have_text(re.compile("camera demo"))
