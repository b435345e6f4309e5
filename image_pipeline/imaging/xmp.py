"""The properties of a photograph in an XMP packet (ISO 16684-1).

Packets grow: an editor's history, with every layer and every picture that was once pasted in, can reach dozens of
megabytes. So no tree is built: the packet is read once from start to end, and only the properties of the photograph
itself are kept.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from defusedxml.ElementTree import DefusedXMLParser

MAX_BYTES = 16 << 20
_MAX_ELEMENTS = 500_000
"""Elements and attributes: about two seconds of work. From a packet with more, or with more bytes, the properties
that were found by then are used."""
_MAX_ITEMS = 10_000
_MAX_STRUCTURES = 1000
_MAX_CHARACTERS = 10_000
"""The limit for one value: more than is kept of any."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_ROOT, _DESCRIPTION, _ITEM = f"{_RDF}RDF", f"{_RDF}Description", f"{_RDF}li"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1": "dc",
    "http://ns.adobe.com/xap/1.0": "xmp",
    "http://ns.adobe.com/exif/1.0": "exif",
    "http://cipa.jp/exif/1.0": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux": "aux",
    "http://ns.adobe.com/tiff/1.0": "tiff",
    "http://ns.adobe.com/photoshop/1.0": "photoshop",
    "http://ns.adobe.com/lightroom/1.0": "lr",
    "http://www.digikam.org/ns/1.0": "digiKam",
    "http://ns.microsoft.com/photo/1.0": "MicrosoftPhoto",
    "http://ns.microsoft.com/photo/1.2": "MP",
    "http://ns.microsoft.com/photo/1.2/t/RegionInfo": "MPRI",
    "http://ns.microsoft.com/photo/1.2/t/Region": "MPReg",
    "http://ns.acdsee.com/iptc/1.0": "acdsee",
    "http://ns.acdsee.com/regions": "acdsee-rs",
    "http://ns.iview-multimedia.com/mediapro/1.0": "mediapro",
    "http://www.metadataworkinggroup.com/schemas/regions": "mwg-rs",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29": "Iptc4xmpExt",
}
"""The prefixes of the usual vocabularies, whose names end with `/` or `#`: not every program writes that end."""
_STRUCTURES = {
    ("mwg-rs:Regions", "mwg-rs:RegionList"): "mwg-rs:RegionList",
    ("acdsee-rs:Regions", "acdsee-rs:RegionList"): "acdsee-rs:RegionList",
    ("MP:RegionInfo", "MPRI:Regions"): "MPRI:Regions",
    ("Iptc4xmpExt:PersonInImageWDetails",): "Iptc4xmpExt:PersonInImageWDetails",
    ("Iptc4xmpExt:LocationCreated",): "Iptc4xmpExt:LocationCreated",
    ("Iptc4xmpExt:LocationShown",): "Iptc4xmpExt:LocationShown",
}
"""The lists of structures that are read, by the properties on the way to them from the description."""


@dataclass(frozen=True)
class Xmp:
    """The properties of a photograph: texts by name (`dc:title`), and structures by the name of their list.

    If a text has several languages, the default language comes first. A structure has its texts by name.
    """

    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    structures: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        """The first text of a property; None if there is none."""
        return next(iter(self.properties.get(name, ())), None)


def read_xmp(packet: bytes) -> Xmp:
    """The properties of an XMP packet that belong to the usual vocabularies.

    Those of a description inside another description are left out: they belong to a picture that was pasted in, or to a
    step of the history. Raises ParseError if the packet is not XML, and defusedxml's errors if it declares entities.
    """
    reader = _Reader()
    parser = DefusedXMLParser(target=reader)
    # a sidecar may be UTF-16, in which these bytes are halves of characters
    content = packet if packet.startswith(_UTF_16) else packet.strip(b"\0 \t\r\n")
    with suppress(_EnoughError):
        # in one call: expat rescans a long attribute from its beginning each time that it is fed more of it
        parser.feed(content[:MAX_BYTES])
        if len(content) <= MAX_BYTES:
            parser.close()
    return Xmp(reader.found, reader.structures.found)


class _EnoughError(Exception):
    """A packet has more elements than the limit."""


class _Reader:
    """Receives the events of a parser, and keeps the properties of the outermost descriptions, in linear time."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, ...]] = {}
        self.structures = _Structures()
        self._elements = self._depth = 0
        self._root: int | None = None
        """The depth of the open rdf:RDF, whose children are the descriptions of the photograph."""
        self._description: int | None = None
        """The depth of the open description."""
        self._property: str | None = None
        self._items: list[tuple[bool, str]] = []
        """The values of the open property, each after a flag that marks the default language."""
        self._texts: list[str] | None = None
        """The text of the open element, up to its first child; None if it is not needed."""
        self._is_item = self._is_default = False
        self._text = ""
        """The text of the open property outside any item."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1 + len(attributes)
        if self._elements > _MAX_ELEMENTS:
            raise _EnoughError
        self._depth += 1
        if self._description is None:
            if tag == _ROOT and self._root is None:
                self._root = self._depth
            elif tag == _DESCRIPTION and self._root == self._depth - 1:
                self._description = self._depth
                for name, value in attributes.items():
                    self._add(_known(name), (value[:_MAX_CHARACTERS],))
            return
        below = self._depth - self._description
        self._end_of_text()
        if below == 1:
            self._property = _known(tag)
            self._items, self._text = [], ""
        self.structures.start(tag, attributes)
        if (self._property is not None and (below == 1 or tag == _ITEM)) or self.structures.wants_text:
            self._texts = []
            self._is_item = below > 1
            self._is_default = attributes.get(_LANGUAGE) == "x-default"

    def data(self, text: str) -> None:
        if self._texts is not None:
            self._texts.append(text)

    def end(self, tag: str) -> None:
        if self._description is not None:
            self._end_of_text()
            if self._depth == self._description:
                self._description = None
            else:
                self.structures.end()
                if self._depth == self._description + 1 and self._property is not None:
                    self._items.sort(key=lambda item: not item[0])  # the others keep their order
                    texts = tuple(text for _, text in self._items) or ((self._text,) if self._text else ())
                    self._add(self._property, texts)
                    self._property = None
        elif self._depth == self._root:
            self._root = None
        self._depth -= 1

    def close(self) -> None:
        """The end of the packet."""

    def _end_of_text(self) -> None:
        """Store the text of an element, which ends with the element or at its first child."""
        if self._texts is None:
            return
        text, self._texts = "".join(self._texts)[:_MAX_CHARACTERS], None
        if self.structures.wants_text:
            self.structures.text(text)
        elif not self._is_item:
            self._text = text
        elif text and len(self._items) < _MAX_ITEMS:
            self._items.append((self._is_default, text))

    def _add(self, name: str | None, values: tuple[str, ...]) -> None:
        if name and values:
            self.found.setdefault(name, values)


class _Structures:
    """The structures in the lists of `_STRUCTURES`; what is nested deeper in one is not its own, and is left out."""

    def __init__(self) -> None:
        self.found: dict[str, list[dict[str, str]]] = {}
        self._names: list[str | None] = []
        """The open elements below the description; empty for those of RDF, which only wrap values."""
        self._path: list[str | None] = []
        """The open properties among them."""
        self._open: tuple[int, int, dict[str, str]] | None = None
        """The open structure: the number of elements and of properties that were open before it, and its texts."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        is_property = not tag.startswith(_RDF)
        name = _known(tag) if is_property else None
        if tag == _ITEM and self._open is None and len(self._path) <= 2:
            known = _STRUCTURES.get(tuple(self._path))  # type: ignore[arg-type]
            if known is not None and sum(map(len, self.found.values())) < _MAX_STRUCTURES:
                values: dict[str, str] = {}
                self.found.setdefault(known, []).append(values)
                self._open = (len(self._names), len(self._path), values)
        self._names.append(name if is_property else "")
        if is_property:
            self._path.append(name)
        elif self._open is not None and self._own == 0:
            for attribute, value in attributes.items():
                self._keep(_known(attribute), value)

    def end(self) -> None:
        """An element ends."""
        if self._names.pop() != "":
            self._path.pop()
        if self._open is not None and len(self._names) == self._open[0]:
            self._open = None

    @property
    def wants_text(self) -> bool:
        """Whether the open element, or an item in it, is a text of the open structure."""
        return self._open is not None and self._own == 1 and self._path[-1] is not None

    def text(self, text: str) -> None:
        """The text of the open element."""
        self._keep(self._path[-1], text)

    @property
    def _own(self) -> int:
        """The number of properties that are open in the open structure."""
        return len(self._path) - self._open[1] if self._open is not None else 0

    def _keep(self, name: str | None, value: str) -> None:
        if name is not None and value.strip() and self._open is not None:
            self._open[2].setdefault(name, value.strip()[:_MAX_CHARACTERS])


def _known(name: str) -> str | None:
    """`dc:title` for a property of a usual vocabulary, None for any other."""
    namespace, _, local = name.removeprefix("{").partition("}")
    prefix = _PREFIXES.get(namespace.rstrip("/#"))
    return f"{prefix}:{local}" if prefix else None
