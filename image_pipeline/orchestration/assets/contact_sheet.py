"""Contact sheets: thumbnails with their captions in one small picture, embedded in Markdown."""

import base64
import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from image_pipeline.terminal import escaped

_COLUMNS = 4
_CELL = 150
_TEXT_HEIGHT = 40
_LIMIT_BYTES = 36_000
"""The maximum size of a sheet: event logs keep it for ever, and base64 turns 36 kB into 48 kB."""


def contact_sheet(pictures: Sequence[tuple[Path, str]]) -> str:
    """One picture of all `pictures` (a thumbnail file and a caption each) as Markdown, or a sentence if there are none.

    Missing thumbnails are left out.
    """
    cells = [(thumbnail, caption) for path, caption in pictures if (thumbnail := _open(path)) is not None]
    if not cells:
        return "No pictures."
    columns = min(_COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * _CELL, rows * (_CELL + _TEXT_HEIGHT)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for index, (thumbnail, caption) in enumerate(cells):
        left, top = index % columns * _CELL, index // columns * (_CELL + _TEXT_HEIGHT)
        thumbnail.thumbnail((_CELL - 8, _CELL - 8))
        sheet.paste(thumbnail, (left + (_CELL - thumbnail.width) // 2, top + (_CELL - thumbnail.height) // 2))
        lines = textwrap.wrap(escaped(caption), 24)[:3]
        draw.multiline_text((left + 6, top + _CELL), "\n".join(lines), fill="black", font=font, spacing=2)
    return f"![contact sheet](data:image/webp;base64,{base64.b64encode(_encode(sheet)).decode()})"


def _open(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (FileNotFoundError, UnidentifiedImageError, OSError):
        return None


def _encode(sheet: Image.Image) -> bytes:
    for quality in (80, 60, 40, 20, 5):
        buffer = io.BytesIO()
        sheet.save(buffer, "WEBP", quality=quality, method=0)  # the fastest method, since each directory gets a sheet
        if buffer.tell() <= _LIMIT_BYTES:
            break
    return buffer.getvalue()
