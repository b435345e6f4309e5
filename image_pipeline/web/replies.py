"""The JSON of the API's answers."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from image_pipeline.schema.column import Kind
from image_pipeline.schema.payload import PAYLOAD


class Exact(BaseModel):
    """An answer with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Place(Exact):
    """A place, in degrees."""

    lat: float
    lon: float


class FoundWord(Exact):
    """A word of the query, and the fields of the photograph that have it; `file_name` is one of them."""

    word: str
    fields: list[str]


class Why(Exact):
    """Why a photograph was found: words that it has, and the cosine similarity of its picture; null without a query."""

    words: list[FoundWord]
    picture: float | None


class FoundPhotograph(Exact):
    """A photograph that was found. What is not known is null.

    `paths` are its files, the shown one first; `identical` those of the others with the same bytes. `taken_local` is
    the photographer's clock, exact to `taken_precision`. `score` is the cosine similarity to the query, `close` whether
    it is close to the words.
    """

    id: str
    paths: list[str]
    identical: list[str]
    sha256: str
    size_bytes: int | None
    width: int | None
    height: int | None
    taken_local: str | None
    taken_precision: str | None
    camera: str | None
    place: Place | None
    city: str | None
    country: str | None
    caption: str
    score: float | None
    close: bool | None
    why: Why


class UnmatchedText(Exact):
    """A text of a filter that no photograph matches; `known` are values that exist, `others` how many more do."""

    field: str
    text: str
    known: list[str]
    others: int


class SearchAnswer(Exact):
    """A page of photographs, and the cursor of the next one; null if there is none.

    `left_out` is the number of files that pass the filters but are not close to the words: on the last page of a
    search by words without phrases, else null.
    `resorted` is how many of the most relevant photographs are sorted by date; null if all are, or none. `calibrated`
    is false if it is not known which photographs are close.
    """

    photographs: list[FoundPhotograph]
    cursor: str | None
    left_out: int | None
    resorted: int | None
    calibrated: bool
    unmatched: list[UnmatchedText]


class QueryChip(Exact):
    """A filter of a query, or several that OR joins: its text, and where it is, in characters (Unicode code points)."""

    text: str
    name: str | None
    negative: bool
    start: int
    end: int


class QueryProblem(Exact):
    """Why a query cannot be understood, and where, in characters (Unicode code points)."""

    message: str
    start: int
    end: int


class ParsedQuery(Exact):
    """What a query asks for: words, phrases, and filters. `text` asks for the same; empty with an `error`."""

    words: str
    phrases: list[str]
    chips: list[QueryChip]
    text: str
    error: QueryProblem | None


_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.TEXTS: list[str],
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.DATETIME: str,
    Kind.GEO: Place,
}

_FIELDS: dict[str, Any] = {
    field.name: Annotated[_TYPES[field.kind] | None, Field(default=None, description=field.meaning)]
    for field in PAYLOAD
}

Facts = create_model(
    "Facts",
    __config__=ConfigDict(extra="ignore"),
    __doc__="All that is known of a file; a field is null if there is no value.",
    **_FIELDS,
)


class FileChange(Exact):
    """What happened to a file, when (ISO 8601, UTC), and in which run."""

    at: str
    event: str
    run_id: str
    sha256: str | None
    reason: str | None
    message: str | None


class PhotographRecord(Exact):
    """All that is known of a file: its payload, other files with the same bytes or pixels, and its history."""

    id: str
    path: str
    facts: Facts  # type: ignore[valid-type]
    identical: list[str]
    same_pixels: list[str]
    has_metadata: bool
    has_thumbnail: bool
    history: list[FileChange]


class FacetValue(Exact):
    """A value of a field, and the number of files that have it."""

    value: str | int
    count: int


class FacetAnswer(Exact):
    """The values of a field, the most frequent first, and how many there are in all."""

    values: list[FacetValue]
    total: int
    unmatched: list[UnmatchedText]


class Period(Exact):
    """A year, a month or a day, and the number of files that were taken then."""

    period: str
    count: int


class TimelineAnswer(Exact):
    """The number of files by period, earliest first, and of those without a date.

    A year stands for files of which no month is known, and among days, the month for files of which no day is known.
    """

    periods: list[Period]
    undated: int


class MapCluster(Exact):
    """Files that were taken close to each other: how many, the mean place in degrees, and the id of one of them."""

    count: int
    lat: float
    lon: float
    id: str


class MapAnswer(Exact):
    """The clusters, the largest first."""

    clusters: list[MapCluster]


class SameFile(Exact):
    """A file of a group of duplicates."""

    id: str
    path: str
    sha256: str
    size_bytes: int | None
    width: int | None
    height: int | None
    taken_local: str | None
    format: str | None


class SameFiles(Exact):
    """Files with the same pixels."""

    pixels: str
    files: list[SameFile]


class DuplicatesAnswer(Exact):
    """A page of groups, the number of all groups, and the cursor of the next page."""

    groups: list[SameFiles]
    total: int
    cursor: str | None


class Quarantined(Exact):
    """A file that could not be read: why, the library's own message, and since when (ISO 8601, UTC)."""

    path: str
    sha256: str | None
    reason: str
    message: str
    run_id: str
    since: str


class Damaged(Exact):
    """A file that is shown although a part of its picture is missing."""

    id: str
    path: str
    sha256: str
    damaged: str


class QuarantineAnswer(Exact):
    """A page of the files in quarantine, by path, the number of all, and all damaged files."""

    files: list[Quarantined]
    total: int
    damaged: list[Damaged]
    cursor: str | None


class IngestedDirectory(Exact):
    """A directory that was ingested: files in it, photographs, files in quarantine; and when (ISO 8601, UTC)."""

    directory: str
    files: int
    photographs: int
    quarantined: int
    ingested_at: str


class DirectoriesAnswer(Exact):
    """A page of the directories that were ingested, by name, and the number of all."""

    directories: list[IngestedDirectory]
    total: int
    cursor: str | None
