"""The payload of a point: the only declaration of its fields.

The collection's payload indexes, the fields of search filters, the digest and `docs/payload.md` come from it.
`python -m image_pipeline.schema.payload` prints that page.
"""

from dataclasses import dataclass, fields
from enum import StrEnum

from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.kind import Kind
from image_pipeline.schema.stage import Stage

COLLECTION_ASSET = "qdrant_collection"
"""The asset that writes points: the source of what no stage's table has."""


class Index(StrEnum):
    """The payload index of a field, by which Qdrant filters without reading every point."""

    KEYWORD = "keyword"
    """For whole values; of a list, any of its values."""
    INTEGER = "integer"
    FLOAT = "float"
    DATETIME = "datetime"
    GEO = "geo"
    TEXT = "text"
    """For the words of a text, in lower case."""
    NONE = "none"


@dataclass(frozen=True)
class PayloadField:
    """A field of the payload: a point has it only if there is a value.

    `source` is the asset whose result it is from. The digest of a payload covers all fields but those that are not
    content: they differ from run to run.
    """

    name: str
    kind: Kind
    source: str
    meaning: str
    index: Index = Index.NONE
    unit: str | None = None
    is_content: bool = True


def _of_metadata(name: str, index: Index = Index.NONE) -> PayloadField:
    (declared,) = (field for field in fields(ImageMetadata) if field.name == name)
    told = declared.metadata
    return PayloadField(name, told["kind"], Stage.IMAGE_METADATA, told["meaning"], index, told["unit"])


PATH = PayloadField("path", Kind.TEXT, Stage.DISCOVERED_FILES, "POSIX path relative to the library root", Index.KEYWORD)
DIRECTORY = PayloadField("directory", Kind.TEXT, Stage.DISCOVERED_FILES, "directory of the file", Index.KEYWORD)
PARTITION = PayloadField("partition", Kind.TEXT, Stage.DISCOVERED_FILES, "key of the file's partition", Index.KEYWORD)
SHA256 = PayloadField("sha256", Kind.TEXT, Stage.CONTENT_HASHES, "content hash, 64 hex digits", Index.KEYWORD)
SIZE_BYTES = PayloadField("size_bytes", Kind.INTEGER, Stage.CONTENT_HASHES, "file size", unit="bytes")
CAPTION = PayloadField("caption", Kind.TEXT, Stage.CAPTIONS, "caption; absent if captions are off", Index.TEXT)
CAPTION_CONFIDENCE = PayloadField(
    "caption_confidence", Kind.FLOAT, Stage.CAPTIONS, "mean probability of the caption's tokens, 0 to 1"
)
WIDTH = _of_metadata("width")
HEIGHT = _of_metadata("height")
ORIENTATION = _of_metadata("orientation")
TAKEN_AT = _of_metadata("taken_at", Index.DATETIME)
CAMERA_MAKE = _of_metadata("camera_make", Index.KEYWORD)
CAMERA_MODEL = _of_metadata("camera_model", Index.KEYWORD)
LENS = _of_metadata("lens", Index.KEYWORD)
ISO = _of_metadata("iso")
EXPOSURE_S = _of_metadata("exposure_s")
F_NUMBER = _of_metadata("f_number")
FOCAL_LENGTH_MM = _of_metadata("focal_length_mm")
PLACE = PayloadField(
    "place", Kind.GEO, Stage.IMAGE_METADATA, "where it was taken: latitude and longitude", Index.GEO, "degrees"
)
ALTITUDE_M = _of_metadata("altitude_m")
TITLE = _of_metadata("title")
DESCRIPTION = _of_metadata("description")
KEYWORDS = _of_metadata("keywords", Index.KEYWORD)
RATING = _of_metadata("rating")
DECODE_PATH = PayloadField("decode_path", Kind.TEXT, Stage.DECODED_TENSORS, "how the image was decoded")
EMBEDDING_PRODUCER = PayloadField(
    "embedding_producer", Kind.TEXT, Stage.EMBEDDINGS, "model, revision and settings that made the vector"
)
CAPTION_PRODUCER = PayloadField(
    "caption_producer", Kind.TEXT, Stage.CAPTIONS, "model, revision and settings that made the caption"
)
RUN_ID = PayloadField("run_id", Kind.TEXT, COLLECTION_ASSET, "run that wrote the point", is_content=False)
INGESTED_AT = PayloadField(
    "ingested_at", Kind.DATETIME, COLLECTION_ASSET, "when the point was written, ISO 8601, UTC", is_content=False
)
DIGEST = PayloadField(
    "digest",
    Kind.TEXT,
    COLLECTION_ASSET,
    "16 hex digits over the content of the payload; empty if the point is out of date",
    is_content=False,
)

PAYLOAD = (
    *(PATH, DIRECTORY, PARTITION, SHA256, SIZE_BYTES, CAPTION, CAPTION_CONFIDENCE),
    *(WIDTH, HEIGHT, ORIENTATION, TAKEN_AT, CAMERA_MAKE, CAMERA_MODEL, LENS),
    *(ISO, EXPOSURE_S, F_NUMBER, FOCAL_LENGTH_MM, PLACE, ALTITUDE_M, TITLE, DESCRIPTION, KEYWORDS, RATING),
    *(DECODE_PATH, EMBEDDING_PRODUCER, CAPTION_PRODUCER, RUN_ID, INGESTED_AT, DIGEST),
)
"""All fields."""

NOT_CONTENT = frozenset(field.name for field in PAYLOAD if not field.is_content)
"""The names of the fields that the digest leaves out."""

_PAGE = """# The payload of a point

Printed by `make payload-docs` from `image_pipeline/schema/payload.py`, where the fields are declared; a test compares
this page with the declaration.

A point is one file. Its vector is the embedding, its id the UUIDv5 of the path. A field is absent if there is no value
for it; a list may be empty. A Qdrant server filters quickly by the fields that have an index. The digest of a payload
covers its content: two points with the same digest differ at most in the other fields.
"""


def payload_page() -> str:
    """`docs/payload.md`: all fields as a Markdown table."""
    lines = ["| field | type | index | unit | content | source | meaning |", "|---|---|---|---|---|---|---|"]
    for field in PAYLOAD:
        index = "" if field.index is Index.NONE else field.index
        content = "yes" if field.is_content else "no"
        cells = [f"`{field.name}`", field.kind, index, field.unit or "", content, f"`{field.source}`", field.meaning]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([_PAGE, *lines])


if __name__ == "__main__":
    print(payload_page())
