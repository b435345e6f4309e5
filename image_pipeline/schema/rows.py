"""The rows of the stage tables: one class per stage, each column with its Arrow type and its meaning."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from image_pipeline.schema.column import Index, column
from image_pipeline.schema.image_metadata import ImageMetadata

if TYPE_CHECKING:
    import pyarrow as pa

_LIST = "list of "


class Stage(StrEnum):
    """The stages that write a table, in the order of the data flow, by the names of their assets.

    This is the only list of the stages: `stages.registry` and `orchestration.assets` import the files with these names.
    """

    DISCOVERED_FILES = "discovered_files"
    CONTENT_HASHES = "content_hashes"
    IMAGE_METADATA = "image_metadata"
    DECODED_TENSORS = "decoded_tensors"
    EMBEDDINGS = "embeddings"
    CAPTIONS = "captions"
    SIDECARS = "sidecars"


def _arrow_type(name: str) -> "pa.DataType":
    import pyarrow as pa

    item: Any = name.removeprefix(_LIST)
    return pa.type_for_alias(item) if item == name else pa.list_(pa.type_for_alias(item))


def _path(payload: Index | None = None) -> Any:
    return column("string", "POSIX path relative to the library root", nullable=False, payload=payload)


def _sha256() -> Any:
    return column("string", "content hash, 64 hex digits", nullable=False)


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
    @cache
    def payload_names(cls) -> tuple[str, ...]:
        """The columns that are fields of the payload of a point."""
        return tuple(f.name for f in fields(cls) if f.metadata["payload"] is not None)

    def payload(self) -> dict[str, Any]:
        """The values of the columns in `payload_names`."""
        values = vars(self)  # `asdict` copies each value deeply, and takes ten times as long
        return {name: values[name] for name in self.payload_names()}

    @classmethod
    @cache
    def added_later(cls) -> frozenset[str]:
        """The columns that rows from older versions may lack; they are then null."""
        return frozenset(f.name for f in fields(cls) if f.metadata["added_later"])

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """The meaning of each column."""
        return {f.name: f.metadata["description"] for f in fields(cls)}


@dataclass(frozen=True)
class ContentRow(Row):
    """A row about a content rather than a file: each partition that has the content uses the same row."""

    sha256: str = _sha256()


@dataclass(frozen=True)
class DiscoveredFile(Row):
    """An image file in the partition's directory."""

    stage = Stage.DISCOVERED_FILES
    path: str = _path(payload=Index.NONE)
    size_bytes: int = column("int64", "file size", "bytes", nullable=False)
    mtime_ns: int = column("int64", "modification time, in ns since 1970", nullable=False)
    ctime_ns: int = column("int64", "time of the last change of any kind, in ns since 1970", nullable=False)
    format: str | None = column(
        "string", "format identified by the content; null if it is unknown", payload=Index.KEYWORD
    )
    sidecars: Sequence[str] = column(
        "list of string", "paths of the sidecars beside it, best first", default=(), added_later=True
    )


@dataclass(frozen=True)
class ContentHash(Row):
    """The content hash of a file, or why the file could not be read."""

    stage = Stage.CONTENT_HASHES
    path: str = _path()
    size_bytes: int = column("int64", "file size when it was hashed", "bytes", nullable=False, payload=Index.NONE)
    mtime_ns: int = column("int64", "modification time when it was hashed, in ns since 1970", nullable=False)
    ctime_ns: int = column("int64", "time of its last change of any kind, in ns since 1970", nullable=False)
    sha256: str | None = column(
        "string", "content hash, 64 hex digits; null if the file could not be read", payload=Index.KEYWORD
    )
    message: str | None = column("string", "the system's message if the file could not be read")


@dataclass(frozen=True)
class MetadataOfImage(ImageMetadata, ContentRow):
    """Metadata of a photograph, read from its file; null if the file gives no plausible value."""

    stage = Stage.IMAGE_METADATA
    reason: str | None = column("string", "why the metadata could not be read; null if it was", default=None)


@dataclass(frozen=True)
class DecodedContent(ContentRow):
    """A decoded image, or, with a reason, a content that is in quarantine."""

    stage = Stage.DECODED_TENSORS
    row: int | None = column("int64", "row in the tensor files; null if no model needs the image any more")
    decode_path: str | None = column("string", "how the image was decoded", payload=Index.NONE)
    decoder: str = column("string", "version of the decoder", nullable=False)
    reason: str | None = column("string", "why the content is in quarantine; null if it was decoded")
    message: str | None = column("string", "the decoding library's message")
    damaged: str | None = column(
        "string",
        "how much of a damaged picture is missing; null if nothing is",
        default=None,
        payload=Index.NONE,
        added_later=True,
    )
    pixels: str | None = column(
        "string",
        "identity of the picture: digest of the embedding model's input, width and height; files with the same value "
        "are copies; absent if an older version decoded the file",
        default=None,
        payload=Index.KEYWORD,
        added_later=True,
    )


@dataclass(frozen=True)
class Embedding(ContentRow):
    """The embedding of an image."""

    stage = Stage.EMBEDDINGS
    vector: Sequence[float] = column("list of float32", "embedding of unit length", nullable=False)

    def __post_init__(self) -> None:
        # four bytes per number, and copied as a block: ten thousand embeddings are five million numbers
        if not isinstance(self.vector, array):
            object.__setattr__(self, "vector", array("f", self.vector))


@dataclass(frozen=True)
class ImageCaption(ContentRow):
    """The caption of an image."""

    stage = Stage.CAPTIONS
    caption: str = column("string", "caption; absent if captions are off", nullable=False, payload=Index.TEXT)
    confidence: float = column("float32", "mean probability of the caption's tokens, 0 to 1", nullable=False)


@dataclass(frozen=True)
class _SidecarFile(Row):
    """A sidecar, as it was when it was read."""

    path: str = _path()
    size_bytes: int = column("int64", "file size when it was read", "bytes", nullable=False)
    mtime_ns: int = column("int64", "modification time when it was read, in ns since 1970", nullable=False)
    ctime_ns: int = column("int64", "time of its last change of any kind, in ns since 1970", nullable=False)


@dataclass(frozen=True)
class Sidecar(ImageMetadata, _SidecarFile):
    """The metadata in a sidecar, a file that describes the photographs beside it; or why it could not be read."""

    stage = Stage.SIDECARS
    for_ending: str | None = column(
        "string", "ending of the photograph that it describes, such as CR2; null if it names none", default=None
    )
    reason: str | None = column("string", "why it could not be read; null if it was", default=None)
    message: str | None = column("string", "the reader's message if it could not be read", default=None)


def row_types() -> list[type[Row]]:
    """The row class of each stage, in the order of the stages."""
    found: dict[Stage, type[Row]] = {}
    kinds = [Row]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if "stage" in vars(kind):
            found[kind.stage] = kind
    return [found[stage] for stage in Stage]
