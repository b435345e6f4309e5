"""Pictures to show the tiny models, and a model hub."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from image_pipeline_tests.support.hub_server import HubServer


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Eleven RGB pictures of 80 by 60 pixels, coarse patterns of strong colours, no two alike."""
    generator = np.random.default_rng(7)
    coarse = generator.integers(0, 256, (11, 6, 8, 3), dtype=np.uint8)
    return [Image.fromarray(pattern).resize((80, 60), Image.Resampling.NEAREST) for pattern in coarse]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A model hub on this machine."""
    with HubServer() as server:
        yield server
