"""The page behind a password: signing in leads to it, signing out leaves it."""

import re

from playwright.sync_api import Browser, expect

from image_pipeline_tests.support.served import Served
from image_pipeline_tests.support.served_page import PASSWORD
from image_pipeline_tests.web.page.conftest import NARROW, context_of
from image_pipeline_tests.web.page.hands import tiles


def test_one_signs_in_and_out(guarded_page: Served, browser: Browser) -> None:
    with context_of(browser, NARROW) as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{guarded_page.port}/?q=format:jpeg")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile(r"/\?q=format:jpeg$"))
        expect(tiles(page)).to_have_count(4)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        page.goto(f"http://127.0.0.1:{guarded_page.port}/")
        expect(page.get_by_label("Password")).to_be_visible()
