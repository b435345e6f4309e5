"""Metadata of a photograph: the only declaration of its fields, for workers, stage tables and payload.

Decoding workers import this, so it needs nothing that takes long to import.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from image_pipeline.schema.kind import Kind


def _described(kind: Kind, meaning: str, unit: str | None = None, default: object = None) -> Any:
    """A field of a `kind`, with its meaning and its unit; `default` is the value of a file that does not give one."""
    description = meaning if unit is None else f"{meaning}, in {unit}"
    metadata = {"kind": kind, "meaning": meaning, "unit": unit, "description": description}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class ImageMetadata:
    """The metadata of one file; None for what the file does not give, or gives without a plausible value."""

    width: int | None = _described(Kind.INTEGER, "width as displayed", "pixels")
    height: int | None = _described(Kind.INTEGER, "height as displayed", "pixels")
    orientation: int | None = _described(Kind.INTEGER, "EXIF orientation, 1 to 8")
    taken_at: str | None = _described(Kind.DATETIME, "when it was taken, ISO 8601; with an offset if the file has one")
    camera_make: str | None = _described(Kind.TEXT, "maker of the camera")
    camera_model: str | None = _described(Kind.TEXT, "model of the camera")
    lens: str | None = _described(Kind.TEXT, "model of the lens")
    iso: int | None = _described(Kind.INTEGER, "ISO speed")
    exposure_s: float | None = _described(Kind.FLOAT, "exposure time", "seconds")
    f_number: float | None = _described(Kind.FLOAT, "f-number")
    focal_length_mm: float | None = _described(Kind.FLOAT, "focal length", "mm")
    latitude: float | None = _described(Kind.FLOAT, "latitude, positive in the north", "degrees")
    longitude: float | None = _described(Kind.FLOAT, "longitude, positive in the east", "degrees")
    altitude_m: float | None = _described(Kind.FLOAT, "altitude above sea level", "metres")
    title: str | None = _described(Kind.TEXT, "title given by a person (XMP, IPTC)")
    description: str | None = _described(Kind.TEXT, "description given by a person (XMP, IPTC, EXIF)")
    keywords: Sequence[str] = _described(Kind.TEXTS, "keywords given by a person (XMP, IPTC)", default=())
    # XMP has -1 for "rejected" beside its 0 to 5, and the reader keeps it
    rating: int | None = _described(Kind.INTEGER, "rating given by a person, 0 to 5; -1: rejected")

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        return all(getattr(self, entry.name) == entry.default for entry in fields(ImageMetadata))
