"""Text of anybody's in Markdown, as the Dagster page shows it: it stays text, and becomes no link, picture or table."""

import re

from image_pipeline.terminal import escaped

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_AUTOLINKS = re.compile(r"(?<=://)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_WORD_JOINER = "\u2060"


def in_markdown(text: object) -> str:
    """`text` on one line of Markdown, also in a cell of a table: shown as it is, whatever it holds.

    Every ASCII punctuation mark may stand behind a backslash (CommonMark, 2.4), so that none has a meaning: no HTML,
    no entity, link, picture, code or cell begins. In GitHub's flavour, which the page reads, an address becomes a link
    even so (6.9), unless something stands in it, which here takes no room.
    """
    return _PUNCTUATION.sub(r"\\\1", _AUTOLINKS.sub(_WORD_JOINER, escaped(text)))
