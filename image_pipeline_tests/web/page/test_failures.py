"""What a person sees if something fails: a sentence, and a way on."""

import re

from playwright.sync_api import Page, Route, expect

from image_pipeline_tests.web.page.hands import search, tiles


def test_a_server_that_does_not_answer(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    page.route("**/api/v1/search*", lambda route: route.abort())
    search(page, "red", succeeds=False)
    expect(page.locator(".nothing")).to_contain_text("The server does not answer.")
    page.unroute("**/api/v1/search*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#grid .why").first).to_be_attached()


def test_a_search_of_which_the_rest_is_no_longer_kept(page: Page) -> None:
    body = '{"error": {"code": "forgotten", "message": "The rest of this search is no longer kept: search again."}}'

    def answer(route: Route) -> None:
        if "cursor=" in route.request.url:
            route.fulfill(status=410, body=body, content_type="application/json")
        else:
            route.continue_()

    page.goto(page.url + "?q=red&all=1")
    page.route("**/api/v1/search*", answer)
    page.reload()
    expect(tiles(page).first).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator("#after")).to_contain_text("no longer kept: search again.")
    page.unroute("**/api/v1/search*")
    page.locator("#after").get_by_role("button", name="Try again").click()
    expect(page.locator("#after")).not_to_contain_text("no longer kept")
    expect(page.locator("#grid .why").first).to_be_attached()


def test_a_photograph_without_a_thumbnail_shows_its_name(page: Page) -> None:
    page.route("**/api/v1/thumbnails/*", lambda route: route.fulfill(status=404, body=""))
    page.goto(page.url + "?q=format:png")
    expect(page.locator("#grid .no-picture").first).to_have_text(re.compile(r"\.png$"))


def test_a_photograph_that_is_gone(page: Page) -> None:
    page.goto(page.url + "?photo=00000000-0000-0000-0000-000000000000")
    expect(page.get_by_role("dialog", name="Photograph").locator(".message")).to_have_text(re.compile("photograph"))
    page.keyboard.press("Escape")
    expect(tiles(page).first).to_be_visible()


def test_a_link_with_a_mistake(page: Page) -> None:
    page.goto(page.url + "?q=rating:many")
    expect(page.locator(".nothing")).to_contain_text("rating: give whole numbers")
    search(page, " ", clear=True, succeeds=False)
    expect(tiles(page).first).to_be_visible()
