"""The page as `image-pipeline serve` shows the demo library, in a browser, on a wide window and on a telephone's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright
from playwright.sync_api import TimeoutError as NotSeenError

from image_pipeline.demo.drawing import draw
from image_pipeline.demo.library import make_library
from image_pipeline.demo.scenes import random_scene
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.served import Served
from image_pipeline_tests.support.served_page import environment_of

MARKUP = "<img src=x onerror=document.title='owned'>"
"""What a hostile file is called, and says of itself."""

WIDE, NARROW = 1400, 360
_HEIGHT = 800
_BEGINS_MS = 6000
_DESCRIPTION, _KEYWORDS = 0x010E, 0x9C9E

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"]
_ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def _add_hostile(directory: Path) -> None:
    directory.mkdir()
    rng = np.random.default_rng(1)
    picture = draw(random_scene(rng, held_out=True), (400, 300), rng)
    exif = Image.Exif()
    exif[_DESCRIPTION] = MARKUP
    exif[_KEYWORDS] = f"{MARKUP};javascript:alert(1)".encode("utf-16-le")
    picture.save(directory / f"{MARKUP}.jpg", exif=exif)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The demo library, and a file of hostile names, ingested with the demo models."""
    pipeline = Pipeline.below(tmp_path_factory.mktemp("demo"), models="demo")
    make_library(pipeline.root)
    _add_hostile(pipeline.root / "hostile")
    pipeline.ingest()
    return pipeline


@pytest.fixture(scope="session")
def shown(demo: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page over it, with its model loaded."""
    with Served(tmp_path_factory.mktemp("page"), environment_of(demo), "serve") as shown:
        assert shown.get("/api/v1/search?q=red").status_code == 200
        yield shown


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    """A browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=_ARGUMENTS)
        yield browser
        browser.close()


def context_of(browser: Browser, width: int, scheme: Literal["light", "dark"] = "light") -> BrowserContext:
    """A browser's profile for one test: a narrow window is that of a telephone."""
    return browser.new_context(
        viewport=ViewportSize(width=width, height=_HEIGHT),
        has_touch=width == NARROW,
        is_mobile=width == NARROW,
        color_scheme=scheme,
    )


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> int:
    """The width of the window, in px."""
    return int(request.param)


@pytest.fixture
def page(shown: Served, browser: Browser, width: int) -> Iterator[Page]:
    """The page, opened; nothing may fail in it, and nothing come from elsewhere."""
    with context_of(browser, width) as context:
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        origin = f"http://127.0.0.1:{shown.port}"
        failures: list[str] = []
        opened.on("pageerror", lambda error: failures.append(str(error)))
        opened.on("console", lambda said: failures.append(said.text) if _is_of_policy(said.text) else None)
        opened.on("request", lambda sent: None if _is_own(sent.url, origin) else failures.append(sent.url))
        opened.goto(origin)
        if not _begins(opened):
            opened.reload()
        yield opened
        assert failures == []


def _begins(page: Page) -> bool:
    """Whether the page's modules were loaded.

    Chromium drops requests when an interface of the machine comes or goes, as when others start containers.
    """
    try:
        page.locator("#photographs").wait_for(timeout=_BEGINS_MS)
    except NotSeenError:
        return False
    return True


def _is_of_policy(text: str) -> bool:
    return "Content Security Policy" in text


def _is_own(url: str, origin: str) -> bool:
    return url.startswith((f"{origin}/", f"blob:{origin}/", "data:"))
