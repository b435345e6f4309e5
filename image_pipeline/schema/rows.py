"""The rows of the stage tables: one class per stage, each column with its Arrow type and its meaning."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

import pyarrow as pa

from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.kind import Kind
from image_pipeline.schema.stage import Stage

_ARROW_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.TEXTS: pa.list_(pa.string()),
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.DATETIME: pa.string(),
}


def _column(arrow_type: pa.DataType, description: str, nullable: bool = True, default: object = MISSING) -> Any:
    metadata = {"type": arrow_type, "description": description, "nullable": nullable}
    return field(default=default, metadata=metadata)


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
        return pa.schema([_arrow_field(f.name, f.metadata) for f in fields(cls)])

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """The meaning of each column."""
        return {f.name: f.metadata["description"] for f in fields(cls)}


def _arrow_field(name: str, metadata: Mapping[str, Any]) -> "pa.Field[Any]":
    """A column with an Arrow type, or of one of the kinds of values that are shared with those who have no Arrow."""
    if "type" in metadata:
        return pa.field(name, metadata["type"], metadata["nullable"])
    return pa.field(name, _ARROW_TYPES[metadata["kind"]], nullable=True)


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
class _RowOfContent(Row):
    sha256: str = _sha256()


@dataclass(frozen=True)
class MetadataOfImage(ImageMetadata, _RowOfContent):
    """Metadata of a photograph, read from its file; null if the file gives no plausible value.

    The columns are the hash, the fields of `ImageMetadata`, and the reason.
    """

    stage = Stage.IMAGE_METADATA
    reason: str | None = _column(pa.string(), "why the metadata could not be read; null if it was", default=None)


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
