"""An open page for the tests that only talk to it, and a browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline_tests.page.program import Dev

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """An open page, the same for all tests of a session."""
    further = {
        "QDRANT_API_KEY": "a-very-secret-key",
        "QDRANT_URL": "http://someone:pass-of-url@127.0.0.1:9",
        "IMAGE_PIPELINE_PAGE_HOSTS": "photos.example, 192.168.1.5",
    }
    with Dev(tmp_path_factory.mktemp("page"), **further) as dev:
        dev.wait_until_open()
        yield dev


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program of a Chromium. Tests that need it are skipped where there is none, or fail where CI says so."""
    found = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        message = "There is no Chromium here: install your system's package `chromium`."
        if os.environ.get("IMAGE_PIPELINE_TESTS_NEED_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return Path(found)
