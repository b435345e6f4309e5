"""The lists: duplicates side by side, files that could not be read, the status."""

import re

from playwright.sync_api import Page, expect

from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.web.page.hands import search


def test_duplicates_stand_side_by_side(page: Page) -> None:
    page.get_by_role("link", name="Duplicates").click()
    expect(page.locator(".lead")).to_have_text(re.compile("[0-9]+ photographs in more than one file"))
    group = page.locator(".group").first
    expect(group.locator("img")).to_have_count(2)
    expect(group).to_contain_text(re.compile(r"[0-9]+ × [0-9]+ · \w+"))
    tops = [box["y"] for one in group.locator("img").all() if (box := one.bounding_box()) is not None]
    assert len(set(tops)) == 1
    group.get_by_role("link").first.click()
    expect(page.get_by_role("dialog", name="Photograph")).to_be_visible()
    page.keyboard.press("Escape")
    expect(group.get_by_role("link").first).to_be_focused()
    expect(page).to_have_url(re.compile("/duplicates$"))


def test_a_stack_in_the_grid_says_how_many_files_it_has(page: Page) -> None:
    [group] = page.request.get(f"{page.url}api/v1/duplicates?limit=1").json()["groups"]
    name = group["files"][-1]["path"].rpartition("/")[2]
    search(page, f'"{name}"')
    expect(page.locator(".copies").first).to_have_text("2 files with this picture")


def test_files_that_could_not_be_read_have_reasons_and_remedies(page: Page, demo: Pipeline) -> None:
    page.get_by_role("link", name="Problems").click()
    quarantine = demo.quarantine()
    expect(page.locator(".lead")).to_have_text(re.compile(f"^{len(quarantine)} files could not be read"))
    for file in quarantine:
        expect(page.locator(".path").get_by_text(file.path.rpartition("/")[2], exact=False).first).to_be_attached()
    expect(page.get_by_role("heading", name="truncated")).to_be_visible()
    expect(page.get_by_text("Copy it again.").first).to_be_visible()


def test_the_status_is_shown(page: Page, demo: Pipeline) -> None:
    page.get_by_role("link", name="Status").click()
    expect(page.locator(".figures")).to_contain_text(str(len(demo.points())), timeout=20_000)
    expect(page.locator("#list")).to_contain_text("Nothing: everything is ingested.")
    expect(page.locator("#list")).to_contain_text("bundled:embedder")
