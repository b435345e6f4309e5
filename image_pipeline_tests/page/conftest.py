"""An open page for the tests that only talk to it."""

from collections.abc import Iterator

import pytest

from image_pipeline_tests.page.program import Dev


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
