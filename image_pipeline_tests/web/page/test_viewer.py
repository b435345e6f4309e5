"""The viewer: keys, zoom, swipes, what is known of a photograph, and where one goes from it."""

import re

from playwright.sync_api import Locator, Page, expect

from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.web.page.conftest import MARKUP, NARROW
from image_pipeline_tests.web.page.hands import search, tiles


def _viewer(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Photograph")


def _open(page: Page, number: int = 0) -> None:
    tiles(page).nth(number).click()
    expect(_viewer(page)).to_be_visible()
    expect(_viewer(page).locator(".frame img")).to_have_attribute("src", re.compile("size=1024"))


def _show_panel(page: Page) -> Locator:
    panel = page.get_by_role("complementary", name="What is known of it")
    if not panel.is_visible():
        page.keyboard.press("i")
    expect(panel.get_by_text("File", exact=True)).to_be_visible()
    return panel


def test_keys_lead_through_the_photographs_and_back(page: Page) -> None:
    first, second = (tiles(page).nth(number).get_attribute("data-id") for number in (0, 1))
    _open(page)
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"photo={second}"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"photo={first}"))
    expect(_viewer(page).get_by_role("button", name="Previous")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"photo={second}"))
    page.keyboard.press("Escape")
    expect(_viewer(page)).to_be_hidden()
    expect(page.locator(f'#grid a[data-id="{second}"]')).to_be_focused()
    expect(page).not_to_have_url(re.compile("photo="))


def test_the_focus_stays_in_the_viewer(page: Page) -> None:
    _open(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#viewer')")


def test_wheel_and_keys_zoom_and_the_original_is_loaded(page: Page) -> None:
    search(page, "format:png")
    _open(page)
    picture = _viewer(page).locator(".frame img")
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 200)
    page.mouse.wheel(0, -600)
    larger = picture.bounding_box()
    assert larger is not None and larger["width"] > 1.5 * box["width"]
    page.keyboard.press("0")
    assert picture.bounding_box() == box
    page.keyboard.press("+")
    assert picture.bounding_box() != box


def test_fingers_zoom_and_swipe(page: Page, width: int) -> None:
    second = tiles(page).nth(1).get_attribute("data-id")
    _open(page)
    frame = _viewer(page).locator(".frame")
    box = frame.bounding_box()
    assert box is not None
    middle, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch(page, [(middle - 20, top), (middle + 20, top)], [(middle - 120, top), (middle + 120, top)])
    expect(frame).to_have_class(re.compile("zoomed"))
    page.keyboard.press("0")
    touch(page, [(middle + 100, top)], [(middle - 100, top)])
    expect(page).to_have_url(re.compile(f"photo={second}"))


def touch(page: Page, begin: list[tuple[float, float]], end: list[tuple[float, float]]) -> None:
    """Put fingers down at some points, and move them to others in ten steps."""
    client = page.context.new_cdp_session(page)

    def send(kind: str, points: list[tuple[float, float]]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    send("touchStart", begin)
    for step in range(1, 11):
        pairs = zip(begin, end, strict=True)
        send("touchMove", [(x + (u - x) * step / 10, y + (v - y) * step / 10) for (x, y), (u, v) in pairs])
    send("touchEnd", [])


def test_the_panel_tells_everything_and_leads_further(page: Page, demo: Pipeline) -> None:
    search(page, "city:Lisbon camera:compact")
    _open(page)
    panel = _show_panel(page)
    expect(panel).to_contain_text("Demo Compact 2")
    expect(panel).to_contain_text("Lisbon, Portugal")
    expect(panel).to_contain_text(re.compile(r"20[0-9]{2}, [0-9:]{8} \(from the camera\)"))
    panel.get_by_text("Everything else").click()
    expect(panel).to_contain_text("decode path")
    expect(panel).to_contain_text("bundled:embedder")
    expect(panel).to_contain_text(re.compile("indexed run [0-9a-f]{8}"))
    panel.get_by_role("button", name="Near here").click()
    expect(_viewer(page)).to_be_hidden()
    expect(page.locator(".chip")).to_have_text(re.compile(r"near 38.*,2km"))
    expect(tiles(page).first).to_be_visible()


def test_same_day_and_this_folder(page: Page) -> None:
    search(page, "folder:phone")
    _open(page)
    _show_panel(page).get_by_role("button", name="Same day").click()
    expect(_viewer(page)).to_be_hidden()
    expect(page.locator(".chip")).to_have_text(re.compile("20[0-9]{2}-[0-9]{2}-[0-9]{2}"))
    page.go_back()
    expect(_viewer(page)).to_be_visible()
    _show_panel(page).get_by_role("button", name="This folder").click()
    expect(page.locator(".chip")).to_have_text(re.compile("directory phone/camera"))


def test_more_and_less_like_this(page: Page) -> None:
    _open(page, 2)
    _show_panel(page).get_by_role("button", name="More like this").click()
    expect(page.locator(".chip")).to_have_text(re.compile("^like"))
    expect(page.locator("#grid .why").first).to_have_text(re.compile("picture 0.[0-9]{2}"))
    _open(page, 4)
    _show_panel(page).get_by_role("button", name="Less like this").click()
    expect(page.locator(".chip.negative")).to_have_text(re.compile("^unlike"))
    expect(page.locator(".chip img").first).to_have_attribute("src", re.compile("thumbnails"))
    page.get_by_role("button", name="Remove unlike this photograph").click()
    page.get_by_role("button", name="Remove like this photograph").click()
    expect(page).to_have_url(re.compile("/$"))


def test_the_original_is_opened_and_stored_under_its_name(page: Page) -> None:
    _open(page)
    panel = _show_panel(page)
    name = _viewer(page).locator(".title span").text_content()
    with page.expect_download() as started:
        panel.get_by_role("link", name="Download").click()
    assert started.value.suggested_filename == name
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.get_by_role("button", name="Copy path").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert str(copied).endswith(f"/{name}")


def test_texts_of_files_are_no_markup(page: Page, width: int) -> None:
    search(page, "folder:hostile")
    expect(tiles(page)).to_have_count(1)
    _open(page)
    panel = _show_panel(page)
    expect(_viewer(page).locator(".title")).to_contain_text(MARKUP)
    expect(panel).to_contain_text(MARKUP)
    panel.get_by_role("button", name="javascript:alert(1)").click()
    expect(page.locator(".chip")).to_have_text(re.compile("keyword javascript:alert"))
    expect(tiles(page)).to_have_count(1)
    assert page.title() != "owned"
    assert page.locator("img[onerror]").count() == 0
    if width == NARROW:
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
