"""The tiny models, written once a session, and pictures to show them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline_tests.support.hub_server import HubServer
from image_pipeline_tests.support.tiny_models import write_blip, write_clip, write_siglip


@pytest.fixture(scope="session")
def clip_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An open_clip model that crops."""
    directory = tmp_path_factory.mktemp("models") / "tiny-clip"
    write_clip(directory)
    return directory


@pytest.fixture(scope="session")
def siglip_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An open_clip model that squashes."""
    directory = tmp_path_factory.mktemp("models") / "tiny-siglip"
    write_siglip(directory)
    return directory


@pytest.fixture(scope="session")
def blip_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BLIP model for captions."""
    directory = tmp_path_factory.mktemp("models") / "tiny-blip"
    write_blip(directory)
    return directory


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
