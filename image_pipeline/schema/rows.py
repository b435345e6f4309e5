"""The rows of the stage tables: one class per stage, each column with its Arrow type and its meaning."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import pyarrow as pa

from image_pipeline.schema.stage import Stage


def _column(arrow_type: pa.DataType, description: str, nullable: bool = True) -> Any:
    return field(metadata={"type": arrow_type, "description": description, "nullable": nullable})


def _path() -> Any:
    return _column(pa.string(), "POSIX path relative to the library root", nullable=False)


def _sha256() -> Any:
    return _column(pa.string(), "content hash, 64 hex digits", nullable=False)


@dataclass(frozen=True)
class Row:
    """A row of a stage's table."""

    stage: ClassVar[Stage]

    @classmethod
    def schema(cls) -> pa.Schema:
        """The declared schema of the stage's table."""
        return pa.schema([pa.field(f.name, f.metadata["type"], f.metadata["nullable"]) for f in fields(cls)])

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """The meaning of each column."""
        return {f.name: f.metadata["description"] for f in fields(cls)}


@dataclass(frozen=True)
class DiscoveredFile(Row):
    """An image file in the partition's directory."""

    stage = Stage.DISCOVERED_FILES
    path: str = _path()
    size_bytes: int = _column(pa.int64(), "file size, in bytes", nullable=False)
    mtime_ns: int = _column(pa.int64(), "modification time, in ns since 1970", nullable=False)
    ctime_ns: int = _column(pa.int64(), "time of the last change of any kind, in ns since 1970", nullable=False)
    format: str | None = _column(pa.string(), "format identified by the content; null if it is unknown")


@dataclass(frozen=True)
class ContentHash(Row):
    """The content hash of a file, or why the file could not be read."""

    stage = Stage.CONTENT_HASHES
    path: str = _path()
    size_bytes: int = _column(pa.int64(), "file size when it was hashed, in bytes", nullable=False)
    mtime_ns: int = _column(pa.int64(), "modification time when it was hashed, in ns since 1970", nullable=False)
    ctime_ns: int = _column(pa.int64(), "time of the last change of any kind, in ns since 1970", nullable=False)
    sha256: str | None = _column(pa.string(), "content hash, 64 hex digits; null if the file could not be read")
    message: str | None = _column(pa.string(), "why the file could not be read: the system's message")


@dataclass(frozen=True)
class MetadataOfImage(Row):
    """Metadata of a photograph, read from its file; null if the file gives no plausible value."""

    stage = Stage.IMAGE_METADATA
    sha256: str = _sha256()
    width: int | None = _column(pa.int64(), "width as displayed, in pixels")
    height: int | None = _column(pa.int64(), "height as displayed, in pixels")
    orientation: int | None = _column(pa.int64(), "EXIF orientation, 1 to 8")
    taken_at: str | None = _column(pa.string(), "when it was taken, ISO 8601; with an offset if the file has one")
    camera_make: str | None = _column(pa.string(), "maker of the camera")
    camera_model: str | None = _column(pa.string(), "model of the camera")
    lens: str | None = _column(pa.string(), "model of the lens")
    iso: int | None = _column(pa.int64(), "ISO speed")
    exposure_s: float | None = _column(pa.float64(), "exposure time, in seconds")
    f_number: float | None = _column(pa.float64(), "f-number")
    focal_length_mm: float | None = _column(pa.float64(), "focal length, in mm")
    latitude: float | None = _column(pa.float64(), "degrees north")
    longitude: float | None = _column(pa.float64(), "degrees east")
    altitude_m: float | None = _column(pa.float64(), "metres above sea level")
    title: str | None = _column(pa.string(), "title given by a person (XMP, IPTC)")
    description: str | None = _column(pa.string(), "description given by a person (XMP, IPTC, EXIF)")
    keywords: Sequence[str] | None = _column(pa.list_(pa.string()), "keywords given by a person (XMP, IPTC)")
    rating: int | None = _column(pa.int64(), "rating given by a person, 0 to 5")
    reason: str | None = _column(pa.string(), "why the metadata could not be read; null if it was")


@dataclass(frozen=True)
class DecodedContent(Row):
    """An image in the partition's tensor files, or, with a reason, a content that goes into quarantine."""

    stage = Stage.DECODED_TENSORS
    sha256: str = _sha256()
    row: int | None = _column(pa.int64(), "row in the tensor files; null if no model needs the image")
    decode_path: str | None = _column(pa.string(), "how the image was decoded")
    decoder: str = _column(pa.string(), "version of the decoder", nullable=False)
    reason: str | None = _column(pa.string(), "why the content is in quarantine; null if it was decoded")
    message: str | None = _column(pa.string(), "message of the decoding library")


@dataclass(frozen=True)
class Embedding(Row):
    """The embedding of an image."""

    stage = Stage.EMBEDDINGS
    sha256: str = _sha256()
    vector: Sequence[float] = _column(pa.list_(pa.float32()), "embedding of unit length", nullable=False)

    def __post_init__(self) -> None:
        # four bytes per number, and copied as a block: ten thousand embeddings are five million numbers
        if not isinstance(self.vector, array):
            object.__setattr__(self, "vector", array("f", self.vector))


@dataclass(frozen=True)
class ImageCaption(Row):
    """The caption of an image."""

    stage = Stage.CAPTIONS
    sha256: str = _sha256()
    caption: str = _column(pa.string(), "caption", nullable=False)
    confidence: float = _column(pa.float32(), "mean probability of the caption's tokens, 0 to 1", nullable=False)
