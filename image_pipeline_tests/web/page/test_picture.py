"""Search by a picture that is chosen, dropped or pasted."""

import base64
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.web.page.hands import tiles

_DROP = """
async ([text, kind]) => {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0))
  const data = new DataTransfer()
  data.items.add(new File([bytes], 'picture.jpg', {type: 'image/jpeg'}))
  const event = kind === 'paste'
    ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})
    : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
  document.body.dispatchEvent(event)
}
"""


def _picture(demo: Pipeline) -> Path:
    return next(path for path in sorted(demo.root.rglob("*.jpg")) if "hostile" not in str(path))


def _expect_found(page: Page, picture: Path) -> None:
    expect(page.locator(".chip")).to_have_text(re.compile("your picture"))
    expect(page.locator("#grid .why").first).to_have_text(re.compile("picture (1.00|0.9[0-9])"))
    expect(page).to_have_url(re.compile(r"\?picture=\w+$"))


def test_a_picture_is_chosen(page: Page, demo: Pipeline) -> None:
    picture = _picture(demo)
    expect(tiles(page).first).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Search by a picture").click()
    chooser.value.set_files(picture)
    _expect_found(page, picture)
    page.reload()
    _expect_found(page, picture)
    page.get_by_role("button", name="Remove your picture").click()
    expect(page).to_have_url(re.compile("/$"))


def test_a_picture_is_dropped_or_pasted(page: Page, demo: Pipeline) -> None:
    picture = _picture(demo)
    expect(tiles(page).first).to_be_visible()
    for kind in ("drop", "paste"):
        page.evaluate(_DROP, [base64.b64encode(picture.read_bytes()).decode(), kind])
        _expect_found(page, picture)
        page.get_by_role("button", name="Clear the search").click()
        expect(page).to_have_url(re.compile("/$"))


def test_a_picture_that_is_somewhere_else_is_asked_for(page: Page) -> None:
    page.goto(page.url + "?picture=unknown")
    expect(page.locator(".nothing")).to_contain_text("is not in this browser: drop it here again")


def test_a_file_that_is_no_picture_is_refused(page: Page) -> None:
    expect(tiles(page).first).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Search by a picture").click()
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    expect(page.locator(".nothing")).to_contain_text("The picture cannot be read")
