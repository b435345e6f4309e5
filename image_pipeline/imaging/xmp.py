"""What an XMP packet says of a photograph (ISO 16684-1)."""

from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

_MAX_BYTES = 4 << 20
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
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
"""Texts by property name (`dc:title`); of a text in several languages, the default comes first."""


def xmp_properties(packet: bytes) -> XmpProperties:
    """The properties of an XMP packet that belong to the usual vocabularies.

    Raises ParseError for what is no XML, and defusedxml's errors for XML that declares entities.
    """
    root: Element = fromstring(packet[:_MAX_BYTES].strip(b"\0 \t\r\n"))
    found: XmpProperties = {}
    for description in root.iter(f"{_RDF}Description"):
        for name, value in description.attrib.items():
            _add(found, name, (value,))
        for child in description:
            _add(found, child.tag, _values(child))
    return found


def _add(found: XmpProperties, name: str, values: tuple[str, ...]) -> None:
    namespace, _, local = name.removeprefix("{").partition("}")
    prefix = _PREFIXES.get(namespace)
    if prefix and values:
        found.setdefault(f"{prefix}:{local}", values)


def _values(element: Element) -> tuple[str, ...]:
    items = [item for item in element.iter(f"{_RDF}li") if item.text]
    items.sort(key=lambda item: item.get(_LANGUAGE) != "x-default")
    return tuple(item.text or "" for item in items) if items else ((element.text,) if element.text else ())
