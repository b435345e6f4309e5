"""What a person does with the page."""

from playwright.sync_api import Locator, Page, expect


def tiles(page: Page) -> Locator:
    """The photographs that exist in the document."""
    return page.locator("#grid a")


def box(page: Page) -> Locator:
    """The box."""
    return page.get_by_role("combobox", name="Search")


def search(page: Page, text: str, *, clear: bool = False, succeeds: bool = True) -> None:
    """Type into the box, which may be cleared before, and press Enter; wait for what is found if it `succeeds`."""
    expect(tiles(page).first.or_(page.locator(".nothing"))).to_be_visible()
    if clear:
        page.get_by_role("button", name="Clear the search").click()
        expect(page.locator(".chip")).to_have_count(0)
    box(page).click()
    box(page).press("End")
    page.keyboard.insert_text(text)
    address = page.url
    page.keyboard.press("Enter")
    if succeeds:
        expect(page).not_to_have_url(address)
        expect(page.locator("#photographs")).to_have_attribute("aria-busy", "false")
