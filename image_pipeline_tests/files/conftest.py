"""A library of small real pictures, and a user without rights."""

import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from PIL import Image

_NOBODY = 65534


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


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """A block in which the rights of files and directories count, even where the tests run as root."""

    @contextmanager
    def block() -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(_NOBODY)
        try:
            yield
        finally:
            os.seteuid(before)

    return block
