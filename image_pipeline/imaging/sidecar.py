"""Sidecars: the facts about a photograph in a file beside it, which is XMP or the JSON of Google Takeout."""

from typing import BinaryIO

from defusedxml import DefusedXmlException

from image_pipeline.imaging.embedded import Embedded
from image_pipeline.imaging.facts import facts_with
from image_pipeline.imaging.takeout import takeout_facts
from image_pipeline.imaging.values import text
from image_pipeline.imaging.xmp import MAX_BYTES, read_xmp
from image_pipeline.schema.image_metadata import SidecarMetadata
from image_pipeline.schema.outcome import ImageError, Reason

_MAX_JSON_BYTES = 1 << 20
_LONGEST_ENDING = 10


def read_sidecar(file: BinaryIO) -> SidecarMetadata:
    """The facts in an open sidecar. JSON is recognised by its first character; everything else is read as XMP.

    Of XMP that is longer than its reader allows, the beginning counts. Raises ImageError if the file is empty, is
    neither XMP nor JSON, or is JSON of more than 1 MiB; OSError if it cannot be read.
    """
    content = file.read(MAX_BYTES + 1)
    begin = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not begin:
        raise ImageError(Reason.EMPTY, "it is empty")
    return _of_json(content) if begin in (b"{", b"[") else _of_xmp(content)


def _of_json(content: bytes) -> SidecarMetadata:
    if len(content) > _MAX_JSON_BYTES:
        raise ImageError(Reason.UNSUPPORTED, "it is JSON of more than 1 MiB, which Google Takeout does not write")
    try:
        return SidecarMetadata(takeout_facts(content))
    except ValueError as error:
        raise ImageError(Reason.CORRUPT, f"it is not JSON ({error})") from error


def _of_xmp(content: bytes) -> SidecarMetadata:
    try:
        xmp = read_xmp(content)
    except MemoryError:
        raise
    except DefusedXmlException as error:
        raise ImageError(Reason.CORRUPT, "it declares entities, which XMP has no use for") from error
    except Exception as error:  # the parser raises many kinds
        raise ImageError(Reason.CORRUPT, f"it is not XMP ({error})") from error
    ending = text(xmp.first("photoshop:SidecarForExtension"), _LONGEST_ENDING)
    return SidecarMetadata(facts_with(xmp, Embedded()), ending)
