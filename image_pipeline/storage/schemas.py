"""The stages and the columns of their tables, each with its meaning."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Stage(StrEnum):
    """The stages whose output is a table, one file a partition; the names are those of the assets."""

    DISCOVERED_FILES = "discovered_files"
    CONTENT_HASHES = "content_hashes"
    IMAGE_METADATA = "image_metadata"
    DECODED_TENSORS = "decoded_tensors"
    EMBEDDINGS = "embeddings"
    CAPTIONS = "captions"


@dataclass(frozen=True)
class Column:
    """A column of a stage table."""

    name: str
    type: pa.DataType
    description: str
    nullable: bool = True


def _path() -> Column:
    return Column("path", pa.string(), "POSIX path relative to the library root", nullable=False)


def _sha256() -> Column:
    return Column("sha256", pa.string(), "content hash, 64 hex digits", nullable=False)


_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()

COLUMNS: dict[Stage, tuple[Column, ...]] = {
    Stage.DISCOVERED_FILES: (
        _path(),
        Column("size_bytes", _WHOLE, "file size, in bytes", nullable=False),
        Column("mtime_ns", _WHOLE, "modification time, in ns since 1970", nullable=False),
        Column("format", _TEXT, "format told by the content; null where it is none that is known"),
    ),
    Stage.CONTENT_HASHES: (
        _path(),
        Column("size_bytes", _WHOLE, "file size when it was hashed, in bytes", nullable=False),
        Column("mtime_ns", _WHOLE, "modification time when it was hashed, in ns since 1970", nullable=False),
        Column("sha256", _TEXT, "content hash, 64 hex digits; null where the file could not be read"),
        Column("message", _TEXT, "why the file could not be read, in the system's words"),
    ),
    Stage.IMAGE_METADATA: (
        _sha256(),
        Column("width", _WHOLE, "width as displayed, in pixels"),
        Column("height", _WHOLE, "height as displayed, in pixels"),
        Column("orientation", _WHOLE, "EXIF orientation, 1 to 8"),
        Column("taken_at", _TEXT, "when it was taken, ISO 8601; with an offset where the camera wrote one"),
        Column("camera_make", _TEXT, "maker of the camera"),
        Column("camera_model", _TEXT, "model of the camera"),
        Column("lens", _TEXT, "model of the lens"),
        Column("iso", _WHOLE, "ISO speed"),
        Column("exposure_s", _REAL, "exposure time, in seconds"),
        Column("f_number", _REAL, "f-number"),
        Column("focal_length_mm", _REAL, "focal length, in mm"),
        Column("latitude", _REAL, "degrees north"),
        Column("longitude", _REAL, "degrees east"),
        Column("altitude_m", _REAL, "metres above sea level"),
        Column("title", _TEXT, "title given by a person (XMP, IPTC)"),
        Column("description", _TEXT, "description given by a person (XMP, IPTC, EXIF)"),
        Column("keywords", pa.list_(pa.string()), "keywords given by a person (XMP, IPTC)"),
        Column("rating", _WHOLE, "rating given by a person, 0 to 5"),
    ),
    Stage.DECODED_TENSORS: (
        _sha256(),
        Column("row", _WHOLE, "row in the partition's tensor files; null where no model needs the image any more"),
        Column("decode_path", _TEXT, "the way the image was decoded"),
        Column("decoder", _TEXT, "version of the decoder", nullable=False),
        Column("reason", _TEXT, "why the file is in quarantine; null where it was decoded"),
        Column("message", _TEXT, "the decoding library's own words"),
    ),
    Stage.EMBEDDINGS: (
        _sha256(),
        Column("vector", pa.list_(pa.float32()), "embedding of unit length", nullable=False),
    ),
    Stage.CAPTIONS: (
        _sha256(),
        Column("caption", _TEXT, "caption", nullable=False),
        Column("confidence", pa.float32(), "mean probability of the caption's tokens, 0 to 1", nullable=False),
    ),
}

SCHEMAS: dict[Stage, pa.Schema] = {
    stage: pa.schema([pa.field(column.name, column.type, column.nullable) for column in columns])
    for stage, columns in COLUMNS.items()
}
