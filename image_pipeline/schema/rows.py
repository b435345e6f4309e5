"""The rows of the stage tables: one class per stage, each column with its Arrow type and its meaning."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pyarrow as pa

_LIST = "list of "


class Stage(StrEnum):
    """The stages that write a table, in the order of the data, by the names of their assets.

    This is the one list of them: `stages.registry` and `orchestration.assets` import the files that have these names.
    """

    DISCOVERED_FILES = "discovered_files"
    CONTENT_HASHES = "content_hashes"
    IMAGE_METADATA = "image_metadata"
    DECODED_TENSORS = "decoded_tensors"
    EMBEDDINGS = "embeddings"
    CAPTIONS = "captions"


def _column(arrow_type: str, description: str, nullable: bool = True) -> Any:
    """A column. `arrow_type` is the name of an Arrow type, or `list of` and one: commands do not wait for Arrow."""
    return field(metadata={"type": arrow_type, "description": description, "nullable": nullable})


def _arrow_type(name: str) -> "pa.DataType":
    import pyarrow as pa

    item: Any = name.removeprefix(_LIST)
    return pa.type_for_alias(item) if item == name else pa.list_(pa.type_for_alias(item))


def _path() -> Any:
    return _column("string", "POSIX path relative to the library root", nullable=False)


def _sha256() -> Any:
    return _column("string", "content hash, 64 hex digits", nullable=False)


@dataclass(frozen=True)
class Row:
    """A row of a stage's table."""

    stage: ClassVar[Stage]

    @classmethod
    @cache
    def schema(cls) -> "pa.Schema":
        """The declared schema of the stage's table."""
        import pyarrow as pa

        return pa.schema(
            [pa.field(f.name, _arrow_type(f.metadata["type"]), f.metadata["nullable"]) for f in fields(cls)]
        )

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """The meaning of each column."""
        return {f.name: f.metadata["description"] for f in fields(cls)}


@dataclass(frozen=True)
class ContentRow(Row):
    """A row about a content, and not about a file: any partition that has the content takes the same row."""

    sha256: str = _sha256()


@dataclass(frozen=True)
class DiscoveredFile(Row):
    """An image file in the partition's directory."""

    stage = Stage.DISCOVERED_FILES
    path: str = _path()
    size_bytes: int = _column("int64", "file size, in bytes", nullable=False)
    mtime_ns: int = _column("int64", "modification time, in ns since 1970", nullable=False)
    ctime_ns: int = _column("int64", "time of the last change of any kind, in ns since 1970", nullable=False)
    format: str | None = _column("string", "format told by the content; null where it is none that is known")


@dataclass(frozen=True)
class ContentHash(Row):
    """The content hash of a file, or why the file could not be read."""

    stage = Stage.CONTENT_HASHES
    path: str = _path()
    size_bytes: int = _column("int64", "file size when it was hashed, in bytes", nullable=False)
    mtime_ns: int = _column("int64", "modification time when it was hashed, in ns since 1970", nullable=False)
    ctime_ns: int = _column("int64", "time of its last change of any kind, in ns since 1970", nullable=False)
    sha256: str | None = _column("string", "content hash, 64 hex digits; null where the file could not be read")
    message: str | None = _column("string", "why the file could not be read, in the system's words")


@dataclass(frozen=True)
class MetadataOfImage(ContentRow):
    """What a file tells of its photograph; null where it tells nothing, or nothing that can be true."""

    stage = Stage.IMAGE_METADATA
    width: int | None = _column("int64", "width as displayed, in pixels")
    height: int | None = _column("int64", "height as displayed, in pixels")
    orientation: int | None = _column("int64", "EXIF orientation, 1 to 8")
    taken_at: str | None = _column("string", "when it was taken, ISO 8601; with an offset where one was written")
    camera_make: str | None = _column("string", "maker of the camera")
    camera_model: str | None = _column("string", "model of the camera")
    lens: str | None = _column("string", "model of the lens")
    iso: int | None = _column("int64", "ISO speed")
    exposure_s: float | None = _column("float64", "exposure time, in seconds")
    f_number: float | None = _column("float64", "f-number")
    focal_length_mm: float | None = _column("float64", "focal length, in mm")
    latitude: float | None = _column("float64", "degrees north")
    longitude: float | None = _column("float64", "degrees east")
    altitude_m: float | None = _column("float64", "metres above sea level")
    title: str | None = _column("string", "title given by a person (XMP, IPTC)")
    description: str | None = _column("string", "description given by a person (XMP, IPTC, EXIF)")
    keywords: Sequence[str] | None = _column("list of string", "keywords given by a person (XMP, IPTC)")
    rating: int | None = _column("int64", "rating given by a person, 0 to 5")
    reason: str | None = _column("string", "why the metadata could not be read; null where they were")


@dataclass(frozen=True)
class DecodedContent(ContentRow):
    """An image in the partition's tensor files; or, with a reason, a content that goes into quarantine."""

    stage = Stage.DECODED_TENSORS
    row: int | None = _column("int64", "row in the tensor files; null where no model needs the image any more")
    decode_path: str | None = _column("string", "the way the image was decoded")
    decoder: str = _column("string", "version of the decoder", nullable=False)
    reason: str | None = _column("string", "why the content is in quarantine; null where it was decoded")
    message: str | None = _column("string", "the decoding library's own words")


@dataclass(frozen=True)
class Embedding(ContentRow):
    """The embedding of an image."""

    stage = Stage.EMBEDDINGS
    vector: Sequence[float] = _column("list of float32", "embedding of unit length", nullable=False)

    def __post_init__(self) -> None:
        # four bytes per number, and copied as a block: ten thousand embeddings are five million numbers
        if not isinstance(self.vector, array):
            object.__setattr__(self, "vector", array("f", self.vector))


@dataclass(frozen=True)
class ImageCaption(ContentRow):
    """The caption of an image."""

    stage = Stage.CAPTIONS
    caption: str = _column("string", "caption", nullable=False)
    confidence: float = _column("float32", "mean probability of the caption's tokens, 0 to 1", nullable=False)
