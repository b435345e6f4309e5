"""A service for the tests that only talk to it."""

from collections.abc import Iterator

import httpx
import pytest

from image_pipeline_tests.support.inference_service import KEY, SECOND_KEY, InferenceService


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    """A service with two keys, the same for all tests of a session."""
    directory = tmp_path_factory.mktemp("service")
    keys = directory / "keys"
    keys.write_text(f"# keys of this service\n{KEY}\n\n{SECOND_KEY}\n")
    with InferenceService(directory, IMAGE_PIPELINE_API_KEY_FILE=str(keys)) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def client(service: InferenceService) -> Iterator[httpx.Client]:
    """A client with a key."""
    with service.client(headers={"x-api-key": KEY}) as client:
        yield client
