"""Metadata of a photograph: the only declaration of its fields, for workers, stage tables and payload.

Decoding workers import this module, so it imports nothing that is slow to import.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from image_pipeline.schema.column import Index, Kind, column


@dataclass(frozen=True)
class ImageMetadata:
    """The metadata of one file; a field is None if the file has no plausible value for it."""

    width: int | None = column("int64", "width as displayed", "pixels", default=None, payload=Index.NONE)
    height: int | None = column("int64", "height as displayed", "pixels", default=None, payload=Index.NONE)
    orientation: int | None = column("int64", "EXIF orientation, 1 to 8", default=None, payload=Index.NONE)
    taken_at: str | None = column(
        "string",
        "when it was taken, ISO 8601, as written: with an offset if there is one; a date if the time is unknown",
        default=None,
        kind=Kind.DATETIME,
        payload=Index.DATETIME,
    )
    taken_from: str | None = column(
        "string",
        "where `taken_at` is from: original, digitized, gps, png_text, takeout (Google's JSON), name (of the file), "
        "changed (EXIF DateTime)",
        default=None,
        payload=Index.NONE,
    )
    taken_precision: str | None = column(
        "string",
        "how much of `taken_at` is known: second, minute, day, month, year",
        default=None,
        payload=Index.NONE,
    )
    camera_make: str | None = column("string", "maker of the camera", default=None, payload=Index.KEYWORD)
    camera_model: str | None = column("string", "model of the camera", default=None, payload=Index.NONE)
    lens: str | None = column("string", "model of the lens", default=None, payload=Index.KEYWORD)
    iso: int | None = column("int64", "ISO speed", default=None, payload=Index.INTEGER)
    exposure_s: float | None = column("float64", "exposure time", "seconds", default=None, payload=Index.NONE)
    f_number: float | None = column("float64", "f-number", default=None, payload=Index.NONE)
    focal_length_mm: float | None = column("float64", "focal length", "mm", default=None, payload=Index.NONE)
    latitude: float | None = column("float64", "latitude, positive in the north", "degrees", default=None)
    longitude: float | None = column("float64", "longitude, positive in the east", "degrees", default=None)
    altitude_m: float | None = column("float64", "altitude above sea level", "metres", default=None, payload=Index.NONE)
    city: str | None = column("string", "city", default=None, payload=Index.KEYWORD)
    state: str | None = column("string", "state or province", default=None, payload=Index.KEYWORD)
    country: str | None = column("string", "country", default=None, payload=Index.KEYWORD)
    title: str | None = column(
        "string", "title given by a person (XMP, IPTC, EXIF, PNG)", default=None, payload=Index.NONE
    )
    description: str | None = column(
        "string", "description given by a person (XMP, IPTC, EXIF, PNG)", default=None, payload=Index.NONE
    )
    keywords: Sequence[str] = column(
        "list of string",
        "keywords given by a person (XMP, IPTC, EXIF); a hierarchical one as its last part and as its path, Nature/Cat",
        default=(),
        payload=Index.KEYWORD,
    )
    keywords_omitted: int | None = column(
        "int64", "number of keywords beyond the 2,000 that are kept", default=None, payload=Index.NONE
    )
    people: Sequence[str] = column(
        "list of string", "names of the people in it, from face regions and XMP", default=(), payload=Index.KEYWORD
    )
    # in XMP, -1 means "rejected"; the reader keeps it
    rating: int | None = column(
        "int64", "rating given by a person, 0 to 5; -1: rejected", default=None, payload=Index.INTEGER
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        values = (getattr(self, entry.name) for entry in fields(ImageMetadata))
        return all(value is None or value in ((), []) for value in values)


@dataclass(frozen=True)
class SidecarMetadata:
    """The metadata in a sidecar; `for_ending` is the ending of the only photograph that it describes, if it names one.

    An ending is as in `CR2`: without its dot.
    """

    metadata: ImageMetadata
    for_ending: str | None = None
