"""Sidecars: files beside a photograph that describe it, found by their names.

XMP sidecars are named after the photograph, with its ending (`IMG_1.CR2.xmp`: darktable, digiKam, immich) or without
(`IMG_1.xmp`: Adobe). Google Takeout writes a JSON file for each photograph, and cuts its name after 46 characters.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from image_pipeline.files.rules import ending

XMP, JSON = ".xmp", ".json"
SIDECAR_ENDINGS = frozenset({XMP, JSON})

_LONGEST = 46
"""The number of characters that Google Takeout keeps of a name before it adds a counter and `.json`."""
_SUPPLEMENT = "supplemental-metadata"
"""What Google Takeout adds to the name of a photograph since 2024, cut to the length that is left."""
_COUNTER = re.compile(r"\(\d{1,6}\)$", re.ASCII)
_EDITED = re.compile(
    r"-(?:edited|effects|bearbeitet|modifi(?:é|e\u0301)|modificato|(?:ha )?editado|editat|bewerkt|edytowane|編集済み)$"
)
"""What Google adds, in the user's language, to the name of a picture that was edited: it has no JSON of its own."""


def sidecars_of(photographs: Sequence[str], candidates: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The sidecars of each photograph that has any, best first: XMP of its full name, XMP of its stem, Takeout's JSON.

    All names are of one directory; `candidates` are those that end as sidecars do. One sidecar may belong to several
    photographs, as `IMG_1.xmp` does to `IMG_1.CR2` and `IMG_1.JPG`.
    """
    xmp = {name[: -len(XMP)]: name for name in sorted(candidates) if ending(name) == XMP}
    json = [name for name in sorted(candidates) if ending(name) == JSON]
    found: dict[str, list[str]] = {}
    if xmp:
        for photograph, names in _named_after(photographs, xmp).items():
            found.setdefault(photograph, []).extend(names)
    if json:
        for photograph, name in _of_takeout(photographs, json).items():
            found.setdefault(photograph, []).append(name)
    return {photograph: tuple(names) for photograph, names in found.items()}


def is_named_in_full(photograph: str, sidecar: str) -> bool:
    """Whether the name of an XMP sidecar contains the ending of the photograph, so that it belongs to no other."""
    return _key(sidecar[: -len(XMP)]) == _key(photograph)


def _named_after(photographs: Sequence[str], xmp: dict[str, str]) -> dict[str, list[str]]:
    """The XMP sidecars (names by what precedes `.xmp`) of each photograph; endings may differ in case."""
    in_full = {_key(base): name for base, name in xmp.items()}
    keys = {_key(photograph) for photograph in photographs}
    by_stem = {base: name for base, name in xmp.items() if _key(base) not in keys}
    found: dict[str, list[str]] = {}
    for photograph in photographs:
        names = (xmp.get(photograph) or in_full.get(_key(photograph)), by_stem.get(_stem(photograph)))
        if any(names):
            found[photograph] = [name for name in names if name is not None]
    return found


def _of_takeout(photographs: Sequence[str], json: Sequence[str]) -> dict[str, str]:
    """The JSON file that Google Takeout wrote for each photograph.

    Takeout writes `IMG_1.jpg.json`, `IMG_1.jpg.supplemental-metadata.json`, or either cut after 46 characters. The
    counter of a second `IMG_1(1).jpg` comes last: `IMG_1.jpg(1).json`. A cut name that fits two photographs fits none.
    """
    plain: dict[tuple[str, str], str] = {}
    supplemented: dict[tuple[str, str], str] = {}
    for name in json:
        base, counter = _without_counter(name[: -len(JSON)])
        plain.setdefault((base, counter), name)
        before, dot, last = base.rpartition(".")
        if dot and _SUPPLEMENT.startswith(last):
            supplemented.setdefault((before, counter), name)
    by_stem: dict[str, list[str]] = {}
    for photograph in photographs:
        by_stem.setdefault(_stem(photograph), []).append(photograph)
    originals = {_original(*_counted(photograph)) for photograph in photographs}
    cut = Counter(key for original in originals if (key := _cut(*original)) is not None)
    found: dict[str, str] = {}
    for photograph in photographs:
        name, counter = _counted(photograph)
        original, _ = _original(name, counter)
        keys = [(photograph, ""), (name, counter)]
        shortened = _cut(original, counter)
        if shortened is not None and cut[shortened] == 1:
            keys.append(shortened)
        if ending(name):
            keys.append((_stem(name), counter))
        if original != name:  # the original of an edited JPEG may be a HEIC
            keys += [(other, counter) for other in (original, *by_stem.get(_stem(original), ()))]
        matches = (one for key in keys for one in (plain.get(key), supplemented.get(key)) if one is not None)
        match = next(matches, None)
        if match is not None:
            found[photograph] = match
    return found


def _counted(photograph: str) -> tuple[str, str]:
    """The name without the counter at the end of its stem, and the counter: `IMG_1.jpg`, `(1)`."""
    stem = _stem(photograph)
    plain, counter = _without_counter(stem)
    return plain + photograph[len(stem) :], counter


def _original(name: str, counter: str) -> tuple[str, str]:
    """The name, with the counter, of the photograph of which this may be an edited version; else of itself."""
    stem = _stem(name)
    return _EDITED.sub("", stem) + name[len(stem) :], counter


def _without_counter(text: str) -> tuple[str, str]:
    match = _COUNTER.search(text)
    return (text[: match.start()], match[0]) if match else (text, "")


def _cut(name: str, counter: str) -> tuple[str, str] | None:
    return (name[:_LONGEST], counter) if len(name) > _LONGEST else None


def _stem(name: str) -> str:
    return name[: len(name) - len(ending(name))]


def _key(name: str) -> str:
    return _stem(name) + ending(name)
