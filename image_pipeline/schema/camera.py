"""The name of a camera as people write it: `Canon EOS R5`, from the maker and the model in the file."""

import re

_WORDS = re.compile(r"[^\s,]+")
_COMPANY = frozenset(
    (
        *("a/s", "ag", "camera", "co", "company", "computer", "corp", "corporation", "electronics", "gmbh", "imaging"),
        *("inc", "limited", "llc", "ltd", "optical", "techwin", "technologies", "technology"),
    )
)
"""Words at the end of a maker's name that people leave out: NIKON CORPORATION, OLYMPUS IMAGING CORP."""


def camera_name(make: str | None, model: str | None) -> str | None:
    """Maker and model without what is said twice: `NIKON CORPORATION` and `NIKON D750` are `NIKON D750`.

    None if both are unknown.
    """
    maker = _WORDS.findall(make or "")
    while len(maker) > 1 and maker[-1].lower().rstrip(".") in _COMPANY:
        maker.pop()
    words = (model or "").split()
    if words and words[0].casefold() in (word.casefold() for word in maker):
        maker = []
    return " ".join([*maker, *words]) or None
