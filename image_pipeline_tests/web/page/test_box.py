"""The box: filters become chips, values are completed, mistakes are explained, nothing close is said."""

import re

from playwright.sync_api import Page, expect

from image_pipeline_tests.web.page.hands import box, search, tiles


def test_filters_become_chips_that_can_be_removed(page: Page) -> None:
    search(page, "red camera:demo 2024")
    chips = page.get_by_role("list", name="Filters").get_by_role("listitem")
    expect(chips).to_have_text([re.compile("camera demo"), re.compile("2024")])
    expect(box(page)).to_have_value("red")
    page.get_by_role("button", name="Remove 2024").click()
    expect(chips).to_have_count(1)
    expect(box(page)).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=camera:demo\+red$"))
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Remove camera:demo")).to_be_focused()
    page.keyboard.press("Delete")
    expect(chips).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?q=red$"))


def test_a_chip_is_changed_by_going_back_into_it(page: Page) -> None:
    search(page, "camera:demo")
    expect(page.locator(".chip")).to_have_count(1)
    box(page).press("Backspace")
    expect(page.locator(".chip")).to_have_count(0)
    expect(box(page)).to_have_value("camera:demo")


def test_a_chip_before_words_is_changed_letter_by_letter(page: Page) -> None:
    search(page, "camera:demo red")
    page.locator(".chip").get_by_role("button").first.click()
    expect(box(page)).to_have_value("camera:demo red")
    for left in ("camera:dem red", "camera:de red"):
        page.keyboard.press("Backspace")
        page.wait_for_timeout(500)  # longer than the page waits before it searches
        expect(box(page)).to_have_value(left)
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(re.compile("camera de"))
    expect(box(page)).to_have_value("red")


def test_values_are_completed_with_their_counts(page: Page) -> None:
    box(page).click()
    page.keyboard.type("camera:sam")
    option = page.get_by_role("option", name=re.compile("Sample Phone 12"))
    expect(option).to_have_text(re.compile(r"[0-9]+$"))
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(box(page)).to_have_attribute("aria-activedescendant", "option-0")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(re.compile("camera Sample Phone 12"))
    expect(page).to_have_url(re.compile("camera:%22Sample"))
    page.keyboard.type("lis")
    page.get_by_role("option", name=re.compile("city Lisbon")).click()
    expect(page.locator(".chip")).to_have_count(2)


def test_names_of_filters_are_completed(page: Page) -> None:
    box(page).click()
    page.keyboard.type("cam")
    page.get_by_role("option", name=re.compile("camera:")).click()
    expect(box(page)).to_have_value("camera:")
    expect(page.locator("#suggestions li").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#suggestions li")).to_have_count(0)


def test_a_filter_is_chosen_by_mouse_alone(page: Page) -> None:
    box(page).click()
    page.get_by_role("option", name=re.compile("^city:")).click()
    page.get_by_role("option", name=re.compile("city Kyoto")).click()
    expect(page.locator(".chip")).to_have_text(re.compile("city Kyoto"))
    page.get_by_role("button", name="Remove city:Kyoto").click()
    expect(page.locator(".chip")).to_have_count(0)
    page.keyboard.type("near:lis")
    page.get_by_role("option", name=re.compile("near Lisbon, 10 km")).click()
    expect(page.locator(".chip")).to_have_text(re.compile("near Lisbon,10km"))


def test_results_come_while_one_types(page: Page) -> None:
    box(page).click()
    page.keyboard.type("red circle", delay=30)
    expect(tiles(page).first.get_by_role("img")).to_have_attribute("alt", re.compile("red circle"))
    expect(page).to_have_url(re.compile(r"\?q=red\+circle$"))
    page.keyboard.press("Enter")
    page.go_back()
    expect(page).to_have_url(re.compile("/$"))
    expect(box(page)).to_have_value("")


def test_a_mistake_is_explained_where_it_is(page: Page) -> None:
    search(page, "red rating:many", succeeds=False)
    expect(page.locator("#query-error")).to_have_text(re.compile(r"rating: give whole numbers.* \(at character 5\)"))
    selected = box(page).evaluate("(one) => one.value.slice(one.selectionStart, one.selectionEnd)")
    assert selected == "rating:many"
    box(page).fill("red")
    expect(page.locator("#query-error")).to_have_text("")


def test_several_values_or_and_not(page: Page) -> None:
    search(page, "city:Lisbon")
    lisbon = page.locator("#summary").text_content()
    search(page, "city:Lisbon OR city:Kyoto", clear=True)
    expect(page.locator(".chip")).to_have_count(1)
    both = page.locator("#summary").text_content()
    search(page, "city:Lisbon,Kyoto", clear=True)
    assert page.locator("#summary").text_content() == both != lisbon
    search(page, "-city:Lisbon", clear=True)
    expect(page.locator(".chip.negative")).to_have_text(re.compile("not city Lisbon"))


def test_what_no_photograph_has_is_said(page: Page) -> None:
    search(page, "camera:nonsense")
    expect(page.locator(".unmatched")).to_have_text(re.compile("No photograph has camera “nonsense”. There is .*Demo"))
    expect(page.get_by_role("heading", name="No photographs found")).to_be_visible()


def test_nothing_close_offers_the_rest(page: Page) -> None:
    search(page, "quarterly tax report")
    expect(page.get_by_role("heading", name="Nothing close found")).to_be_visible()
    page.get_by_role("button", name="Show them").click()
    expect(tiles(page).first).to_be_visible()
    expect(page).to_have_url(re.compile("all=1"))


def test_sorted_by_date_it_says_of_how_many(page: Page) -> None:
    search(page, "red")
    page.get_by_role("combobox", name="Order").select_option("Oldest")
    expect(page.locator("#summary")).to_have_text(re.compile("The oldest first."))
    expect(page).to_have_url(re.compile("sort=oldest"))
    dates = [text[-4:] for text in page.locator("#grid .date").all_text_contents() if text != "No date"]
    assert dates == sorted(dates) and len(dates) > 5
