"""A library of small real pictures."""

import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from image_pipeline.files.discovery import Discovery, discover, list_files
from image_pipeline.files.partition import Partition
from image_pipeline.schema.rows import DiscoveredFile

LIBRARY = Partition("")


def picture(image_format: str = "JPEG", colour: str = "red") -> bytes:
    """A picture of 8 by 8 pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, image_format)
    return buffer.getvalue()


def discovered(root: Path, partition: Partition = LIBRARY, known: Mapping[str, DiscoveredFile] = {}) -> Discovery:
    """What a partition holds on disk; all that lies directly in the library, where none is named."""
    return discover(root, partition, list_files(root, partition), known)
