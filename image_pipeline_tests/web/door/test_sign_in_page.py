"""The form in a real browser, on a narrow screen, without any script, and by the keyboard alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from image_pipeline_tests.support.served import Served
from image_pipeline_tests.support.served_page import PASSWORD

_WIDTH = 360


@contextmanager
def served_folder(folder: Path) -> Iterator[int]:
    """Another program's pages on this machine: the port that they are on."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(
            executable_path=str(chromium), args=["--headless=new", "--no-sandbox", "--disable-gpu", *quiet]
        )
        context = browser.new_context(viewport={"width": _WIDTH, "height": 640}, java_script_enabled=False)
        yield context.new_page()
        browser.close()


def test_a_person_signs_in_by_the_keyboard_on_a_narrow_screen(guarded_page: Served, page: Page) -> None:
    address = f"http://127.0.0.1:{guarded_page.port}"
    page.goto(f"{address}/photo?q=a")
    expect(page).to_have_title("Sign in – Photographs")
    field, button = page.get_by_label("Password"), page.get_by_role("button", name="Sign in")
    for part in (field, button):
        box = part.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= _WIDTH
        assert box["height"] >= 44, "large enough for a finger"
    expect(field).to_be_focused()
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    field = page.get_by_label("Password")
    expect(field).to_have_accessible_description("This is not the password.")
    field.focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/photo?q=a")
    names = {cookie["name"].rpartition("-")[0] for cookie in page.context.cookies()}
    assert names == {"image-pipeline-session", "image-pipeline-device"}


def test_a_link_of_another_page_finds_the_person_signed_in(guarded_page: Served, page: Page, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{guarded_page.port}"
    page.goto(f"{address}/sign-in")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/")
    links = f'<a href="{address}/api/v1/session">API</a> <a href="{address}/photo">photo</a>'
    (tmp_path / "index.html").write_text(links)
    with served_folder(tmp_path) as port:
        page.goto(f"http://localhost:{port}/index.html")
        page.get_by_role("link", name="photo").click()
        page.wait_for_url(f"{address}/photo")
        expect(page.locator("body")).to_contain_text("Not Found")
        page.goto(f"http://localhost:{port}/index.html")
        page.get_by_role("link", name="API").click()
        expect(page.locator("body")).to_contain_text("The request comes from another web page")
