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
        "when it was taken, ISO 8601; with an offset if the file has one",
        default=None,
        kind=Kind.DATETIME,
        payload=Index.DATETIME,
    )
    camera_make: str | None = column("string", "maker of the camera", default=None, payload=Index.KEYWORD)
    camera_model: str | None = column("string", "model of the camera", default=None, payload=Index.KEYWORD)
    lens: str | None = column("string", "model of the lens", default=None, payload=Index.KEYWORD)
    iso: int | None = column("int64", "ISO speed", default=None, payload=Index.NONE)
    exposure_s: float | None = column("float64", "exposure time", "seconds", default=None, payload=Index.NONE)
    f_number: float | None = column("float64", "f-number", default=None, payload=Index.NONE)
    focal_length_mm: float | None = column("float64", "focal length", "mm", default=None, payload=Index.NONE)
    latitude: float | None = column("float64", "latitude, positive in the north", "degrees", default=None)
    longitude: float | None = column("float64", "longitude, positive in the east", "degrees", default=None)
    altitude_m: float | None = column("float64", "altitude above sea level", "metres", default=None, payload=Index.NONE)
    title: str | None = column("string", "title given by a person (XMP, IPTC)", default=None, payload=Index.NONE)
    description: str | None = column(
        "string", "description given by a person (XMP, IPTC, EXIF)", default=None, payload=Index.NONE
    )
    keywords: Sequence[str] = column(
        "list of string", "keywords given by a person (XMP, IPTC)", default=(), payload=Index.KEYWORD
    )
    # in XMP, -1 means "rejected"; the reader keeps it
    rating: int | None = column(
        "int64", "rating given by a person, 0 to 5; -1: rejected", default=None, payload=Index.NONE
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        return all(getattr(self, entry.name) == entry.default for entry in fields(ImageMetadata))
