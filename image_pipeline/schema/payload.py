"""The payload of a point: the only declaration of its fields.

The collection's payload indexes, the fields of search filters, the digest and `docs/payload.md` come from it.
`python -m image_pipeline.schema.payload` prints that page.
"""

from dataclasses import dataclass, fields
from typing import Any

from image_pipeline.schema.column import Index, Kind
from image_pipeline.schema.rows import MetadataOfImage, Sidecar, Stage, row_types

COLLECTION_ASSET = "qdrant_collection"
"""The asset that writes points: the source of the fields that no stage table has."""


@dataclass(frozen=True)
class PayloadField:
    """A field of the payload: a point has it only if there is a value.

    `source` is the asset that the value comes from. Fields with `is_content` False may differ from run to run; the
    digest of a payload leaves them out.
    """

    name: str
    kind: Kind
    source: str
    meaning: str
    index: Index = Index.NONE
    unit: str | None = None
    is_content: bool = True


def _columns() -> dict[str, PayloadField]:
    """The columns of stage tables that are in the payload under their own name, in the order of the stages."""
    found: dict[str, PayloadField] = {}
    for row in row_types():
        for one in fields(row):
            declared = one.metadata
            if declared["payload"] is not None:
                declaration = PayloadField(
                    one.name, declared["kind"], row.stage, declared["meaning"], declared["payload"], declared["unit"]
                )
                found.setdefault(one.name, declaration)  # sidecars have columns of `image_metadata`
    return found


_COLUMNS = _columns()

PATH = _COLUMNS["path"]
DIRECTORY = PayloadField("directory", Kind.TEXT, Stage.DISCOVERED_FILES, "directory of the file", Index.KEYWORD)
PARTITION = PayloadField("partition", Kind.TEXT, Stage.DISCOVERED_FILES, "key of the file's partition", Index.KEYWORD)
SHA256 = _COLUMNS["sha256"]
SIZE_BYTES = _COLUMNS["size_bytes"]
PIXELS = _COLUMNS["pixels"]
TAKEN_AT = _COLUMNS["taken_at"]
TAKEN_FROM = _COLUMNS["taken_from"]
TAKEN_PRECISION = _COLUMNS["taken_precision"]
TAKEN_LOCAL = PayloadField(
    "taken_local",
    Kind.DATETIME,
    Stage.IMAGE_METADATA,
    "the photographer's clock when it was taken, ISO 8601 without an offset; the start of what is known",
    Index.DATETIME,
)
TAKEN_LOCAL_END = PayloadField(
    "taken_local_end",
    Kind.DATETIME,
    Stage.IMAGE_METADATA,
    "the end of what is known of `taken_local`: one second, minute, day, month or year later",
    Index.DATETIME,
)
TAKEN_LOCAL_FROM = PayloadField(
    "taken_local_from",
    Kind.TEXT,
    Stage.IMAGE_METADATA,
    "what makes `taken_local` local: written (as local time), place (from UTC by its time zone), utc (it is still UTC)",
)
TAKEN_YEAR = PayloadField("taken_year", Kind.INTEGER, Stage.IMAGE_METADATA, "the year of `taken_local`", Index.INTEGER)
TAKEN_DAY = PayloadField(
    "taken_day",
    Kind.INTEGER,
    Stage.IMAGE_METADATA,
    "the day of `taken_local` as YYYYMMDD; 00 for a month and a day that are not known",
    Index.INTEGER,
)
CAMERA_MAKE, CAMERA_MODEL = _COLUMNS["camera_make"], _COLUMNS["camera_model"]
CAMERA = PayloadField(
    "camera", Kind.TEXT, Stage.IMAGE_METADATA, "maker and model as people write them: Canon EOS R5", Index.KEYWORD
)
LENS, ISO = _COLUMNS["lens"], _COLUMNS["iso"]
KEYWORDS, PEOPLE, RATING = _COLUMNS["keywords"], _COLUMNS["people"], _COLUMNS["rating"]
TITLE, DESCRIPTION = _COLUMNS["title"], _COLUMNS["description"]
FORMAT = _COLUMNS["format"]
WIDTH, HEIGHT = _COLUMNS["width"], _COLUMNS["height"]
PLACE = PayloadField(
    "place", Kind.GEO, Stage.IMAGE_METADATA, "where it was taken: latitude and longitude", Index.GEO, "degrees"
)
MAP_CELLS = {
    zoom: PayloadField(
        f"map_cell_{zoom}",
        Kind.INTEGER,
        Stage.IMAGE_METADATA,
        f"the cell of the map that it is in, at zoom {zoom}: see `image_pipeline/schema/map_cell.py`",
        Index.INTEGER,
    )
    for zoom in (6, 11, 16)
}
"""The fields with the cell of the map that a photograph is in, by the zoom of the grid."""
CITY, STATE, COUNTRY = _COLUMNS["city"], _COLUMNS["state"], _COLUMNS["country"]
DERIVED = PayloadField(
    "derived",
    Kind.TEXTS,
    Stage.IMAGE_METADATA,
    "the fields that the file does not give, and that follow from its place: city, country",
)
SIDECARS = PayloadField(
    "sidecars",
    Kind.TEXTS,
    Stage.SIDECARS,
    "paths of the files beside it that describe it (XMP, Google Takeout), best first",
)
SIDECAR_PROBLEM = PayloadField("sidecar_problem", Kind.TEXT, Stage.SIDECARS, "why a sidecar could not be read")
CAPTION = _COLUMNS["caption"]
DIGEST = PayloadField(
    "digest",
    Kind.TEXT,
    COLLECTION_ASSET,
    "hash of the payload's content, 16 hex digits; empty if the point is out of date",
    is_content=False,
)

PAYLOAD = (
    *_COLUMNS.values(),
    *(DIRECTORY, PARTITION, TAKEN_LOCAL, TAKEN_LOCAL_END, TAKEN_LOCAL_FROM, TAKEN_YEAR, TAKEN_DAY, CAMERA, PLACE),
    *MAP_CELLS.values(),
    DERIVED,
    *(SIDECARS, SIDECAR_PROBLEM),
    PayloadField("caption_confidence", Kind.FLOAT, Stage.CAPTIONS, "mean probability of the caption's tokens, 0 to 1"),
    PayloadField(
        "embedding_producer", Kind.TEXT, Stage.EMBEDDINGS, "model, revision and settings that made the vector"
    ),
    PayloadField("caption_producer", Kind.TEXT, Stage.CAPTIONS, "model, revision and settings that made the caption"),
    PayloadField("run_id", Kind.TEXT, COLLECTION_ASSET, "run that wrote the point", is_content=False),
    PayloadField(
        "ingested_at", Kind.DATETIME, COLLECTION_ASSET, "when the point was written, ISO 8601, UTC", is_content=False
    ),
    DIGEST,
)
"""All fields: the columns that are declared as payload fields in `schema.rows`, and the fields declared here."""

NOT_CONTENT = frozenset(field.name for field in PAYLOAD if not field.is_content)
"""The names of the fields that the digest leaves out."""


def payload_of_metadata(row: MetadataOfImage | Sidecar) -> dict[str, Any]:
    """The payload fields of a row's metadata; `place` is its position."""
    payload = row.payload()
    if row.latitude is not None and row.longitude is not None:
        payload[PLACE.name] = {"lat": row.latitude, "lon": row.longitude}
    return payload


_PAGE = """# The payload of a point

Printed by `make payload-docs`. The fields are declared in `image_pipeline/schema/`: those that are columns of a stage's
table in `rows.py` and `image_metadata.py`, the others in `payload.py`. A test compares this page with the declaration.

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
