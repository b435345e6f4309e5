"""Keywords and people of a photograph."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from image_pipeline.imaging.embedded import Embedded
from image_pipeline.imaging.values import text, windows_text
from image_pipeline.imaging.xmp import Xmp

_IPTC_KEYWORDS, _XP_KEYWORDS = (2, 25), 0x9C9E
MAX_PEOPLE = 500
_MAX_KEYWORDS, _MAX_KEYWORD, _MAX_WINDOWS = 2000, 400, 20_000
_HIERARCHIES = {
    "lr:hierarchicalSubject": "|",
    "mediapro:CatalogSets": "|",
    "digiKam:TagsList": "/",
    "MicrosoftPhoto:LastKeywordXMP": "/",
}
"""The properties with the paths of keywords, and what separates the parts of a path in each."""
_FACES = {
    "mwg-rs:RegionList": ("mwg-rs:Name", "mwg-rs:Type"),
    "acdsee-rs:RegionList": ("acdsee-rs:Name", "acdsee-rs:Type"),
    "MPRI:Regions": ("MPReg:PersonDisplayName", ""),
    "Iptc4xmpExt:PersonInImageWDetails": ("Iptc4xmpExt:PersonName", ""),
}
"""The lists of regions: the name of a region, and its type, which is missing or `Face` for a person."""
_MAX_CATEGORIES_DEPTH = 50
_OF_PROGRAMS = frozenset({"darktable"})
"""The first parts of the paths of keywords that programs add by themselves, such as `darktable|format|jpg`."""


@dataclass(frozen=True)
class Keywords:
    """Keywords, each once: single words, then the paths `Nature/Animals/Cat`; and how many were left out."""

    kept: tuple[str, ...] = ()
    omitted: int = 0


def keywords_of(embedded: Embedded, xmp: Xmp) -> Keywords:
    """The keywords of XMP, IPTC and Windows' EXIF tags; of hierarchical ones the last part, and the path."""
    iptc = embedded.iptc.get(_IPTC_KEYWORDS, [])
    windows = (windows_text(embedded.base.get(_XP_KEYWORDS), _MAX_WINDOWS) or "").split(";")
    paths = [path for path in _paths(xmp) if path]
    of_programs = {part for path in paths if path[0] in _OF_PROGRAMS for part in path}
    paths = [path for path in paths if path[0] not in _OF_PROGRAMS]
    every: Iterable[object] = (
        *(word for word in xmp.properties.get("dc:subject", ()) if word.strip() not in of_programs),
        *xmp.properties.get("acdsee:keywords", ()),
        *(iptc if isinstance(iptc, list) else [iptc]),
        *windows,
        *(path[-1] for path in paths),
        *("/".join(path) for path in paths),
    )
    cleaned = (text(keyword, _MAX_KEYWORD) for keyword in every)
    found = tuple(dict.fromkeys(keyword for keyword in cleaned if keyword))
    return Keywords(found[:_MAX_KEYWORDS], len(found[_MAX_KEYWORDS:]))


def people_of(xmp: Xmp) -> tuple[str, ...]:
    """The names of the people in the photograph, each once: of its face regions, and those given without a region."""
    every = [*xmp.properties.get("Iptc4xmpExt:PersonInImage", ())]
    for regions, (name, kind) in _FACES.items():
        found = xmp.structures.get(regions, ())
        every += [region.get(name, "") for region in found if region.get(kind, "Face").casefold() == "face"]
    cleaned = (text(name) for name in every)
    return tuple(dict.fromkeys(name for name in cleaned if name))[:MAX_PEOPLE]


def _paths(xmp: Xmp) -> Iterator[tuple[str, ...]]:
    for name, separator in _HIERARCHIES.items():
        for value in xmp.properties.get(name, ()):
            yield tuple(part.strip() for part in value.split(separator) if part.strip())
    for value in xmp.properties.get("acdsee:categories", ()):
        yield from _acdsee_categories(value)


def _acdsee_categories(value: str) -> Iterator[tuple[str, ...]]:
    """The categories that ACDSee assigned, from the XML that it writes into one text; none if it is damaged."""
    waiting: list[tuple[tuple[str, ...], Element]]
    try:
        waiting = [((), fromstring(value))]
    except Exception:  # any damage, or entities: the other keywords are still sound
        return
    while waiting:
        path, element = waiting.pop()
        if element.tag == "Category":
            path = (*path, (element.text or "").strip())
            if element.get("Assigned") == "1" and all(path):
                yield path
        if len(path) < _MAX_CATEGORIES_DEPTH:
            waiting += [(path, child) for child in reversed(element)]
