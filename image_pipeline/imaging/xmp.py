"""The properties of a photograph in an XMP packet (ISO 16684-1).

Packets grow: an editor's history, with every layer and every picture that was once pasted in, can reach dozens of
megabytes. So no tree is built: the packet is read once from start to end, and only the properties of the photograph
itself are kept.
"""

from contextlib import suppress

from defusedxml.ElementTree import DefusedXMLParser

_MAX_BYTES = 16 << 20
_MAX_ELEMENTS = 500_000
"""About two seconds of work. From a packet with more elements or bytes, the properties found by then are used."""
_MAX_ITEMS = 1000
_MAX_CHARACTERS = 10_000
"""The limit for one value: more than is kept of any."""

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DESCRIPTION, _ITEM = f"{_RDF}Description", f"{_RDF}li"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
}

XmpProperties = dict[str, tuple[str, ...]]
"""Texts by property name (`dc:title`); if a text has several languages, the default language comes first."""


def xmp_properties(packet: bytes) -> XmpProperties:
    """The properties of an XMP packet that belong to the usual vocabularies.

    Those of a description inside another description are left out: they belong to a picture that was pasted in, or to a
    step of the history. Raises ParseError if the packet is not XML, and defusedxml's errors if it declares entities.
    """
    reader = _Reader()
    parser = DefusedXMLParser(target=reader)
    content = packet.strip(b"\0 \t\r\n")
    with suppress(_EnoughError):
        # in one call: expat rescans a long attribute from its beginning each time that it is fed more of it
        parser.feed(content[:_MAX_BYTES])
        if len(content) <= _MAX_BYTES:
            parser.close()
    return reader.found


class _EnoughError(Exception):
    """A packet has more elements than the limit."""


class _Reader:
    """Receives the events of a parser, and keeps the properties of the outermost descriptions, in linear time."""

    def __init__(self) -> None:
        self.found: XmpProperties = {}
        self._elements = self._depth = 0
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
        self._elements += 1
        if self._elements > _MAX_ELEMENTS:
            raise _EnoughError
        self._depth += 1
        if self._description is None:
            if tag == _DESCRIPTION:
                self._description = self._depth
                for name, value in attributes.items():
                    self._add(_known(name), (value,))
            return
        below = self._depth - self._description
        self._end_of_text()
        if below == 1:
            self._property = _known(tag)
            self._items, self._text = [], ""
        if self._property is not None and (below == 1 or tag == _ITEM):
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
            elif self._depth == self._description + 1 and self._property is not None:
                self._items.sort(key=lambda item: not item[0])  # the others keep their order
                texts = tuple(text for _, text in self._items) or ((self._text,) if self._text else ())
                self._add(self._property, texts)
                self._property = None
        self._depth -= 1

    def close(self) -> None:
        """The end of the packet."""

    def _end_of_text(self) -> None:
        """Store the text of an element, which ends with the element or at its first child."""
        if self._texts is None:
            return
        text, self._texts = "".join(self._texts)[:_MAX_CHARACTERS], None
        if not self._is_item:
            self._text = text
        elif text and len(self._items) < _MAX_ITEMS:
            self._items.append((self._is_default, text))

    def _add(self, name: str | None, values: tuple[str, ...]) -> None:
        if name and values:
            self.found.setdefault(name, values)


def _known(name: str) -> str | None:
    """`dc:title` for a property of a usual vocabulary, None for any other."""
    namespace, _, local = name.removeprefix("{").partition("}")
    prefix = _PREFIXES.get(namespace)
    return f"{prefix}:{local}" if prefix else None
