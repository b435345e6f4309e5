"""A library of small real pictures."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image


def picture(image_format: str = "JPEG", colour: str = "red") -> bytes:
    """A picture of 8 by 8 pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, image_format)
    return buffer.getvalue()


@pytest.fixture
def library() -> Iterator[Path]:
    """An empty folder that every user can look into."""
    root = Path(tempfile.mkdtemp(prefix="library-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)
