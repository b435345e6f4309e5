"""The parameters of requests: what is typed into the box, and the filters, one by one."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.services.filter_texts import FilterTexts, search_filter_of
from image_pipeline.services.query_filters import both, directory_of
from image_pipeline.services.query_language import MOST_CHARACTERS, Query, parse_query

_Facet = Literal[
    "camera", "lens", "keyword", "person", "city", "country", "year", "rating", "iso", "format", "directory"
]
_Text = Annotated[str | None, Field(max_length=500)]
_Texts = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=20)]
Limit = Annotated[int, Field(ge=1, le=200, description="Maximum number of photographs on the page.")]
Cursor = Annotated[
    str | None, Field(max_length=8000, pattern=r"^[A-Za-z0-9_=-]*$", description="The cursor of the page before.")
]


class FilterParameters(BaseModel):
    """What is typed into the box, and filters, all of which have to be met."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        str,
        Field(
            max_length=MOST_CHARACTERS, description='Words and filters: `a red car camera:nikon,canon -2024 "text"`.'
        ),
    ] = ""
    near: Annotated[_Text, Field(description="LAT,LON,KM in degrees, or a town: Berlin,20km.")] = None
    box: Annotated[_Text, Field(description="SOUTH,WEST,NORTH,EAST in degrees.")] = None
    after: Annotated[_Text, Field(description="Taken then or later: 2024, 2024-05, 2024-05-01, 2024-05-01T18:30.")] = (
        None
    )
    before: Annotated[_Text, Field(description="Taken before that.")] = None
    camera: Annotated[_Text, Field(description="A part of maker and model.")] = None
    lens: Annotated[_Text, Field(description="A part of the name.")] = None
    keyword: Annotated[_Texts, Field(description="A keyword, or one below it.")] = []
    not_keyword: Annotated[_Texts, Field(description="A keyword that photographs must not have.")] = []
    person: Annotated[_Texts, Field(description="A part of a person's name.")] = []
    rating: Annotated[_Text, Field(description="4, 4.., ..2 or 3..4; -1: rejected.")] = None
    iso: Annotated[_Text, Field(description="100, 800.., ..400 or 100..400.")] = None
    format: Annotated[_Text, Field(description="jpeg, raw, heif and others.")] = None
    directory: Annotated[_Text, Field(description="A directory of the library, with those below it.")] = None
    city: _Text = None
    country: _Text = None
    words: Annotated[_Text, Field(description="Words of the caption.")] = None

    def query(self) -> Query:
        """What the box asks for. Raises QueryError."""
        return parse_query(self.q)

    def search_filter(self, query: Query | None = None) -> SearchFilter:
        """All filters together. Raises QueryError and FilterTextError."""
        given = {name: getattr(self, name) for name in FilterTexts.__dataclass_fields__}
        texts: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in given.items()}
        return both([(query or self.query()).search_filter, search_filter_of(FilterTexts(**texts), directory_of)])


class SearchParameters(FilterParameters):
    """A search: what to compare photographs with, filters, and how much to return."""

    like: Annotated[list[uuid.UUID], Field(max_length=20, description="Ids of photographs to be like.")] = []
    unlike: Annotated[list[uuid.UUID], Field(max_length=20, description="Ids of photographs to be unlike.")] = []
    path: Annotated[str | None, Field(max_length=5000, description="The path of a picture in the library.")] = None
    sort: Annotated[
        Literal["relevance", "newest", "oldest"] | None,
        Field(
            description="By default relevance, or newest if there is nothing to compare with. Of a search by words or "
            "examples, newest and oldest sort the 500 most relevant photographs."
        ),
    ] = None
    all: Annotated[bool, Field(description="Also photographs that are not close to the words.")] = False
    limit: Limit = 50
    cursor: Annotated[Cursor, Field(description="The cursor of the page before, with nothing else but a limit.")] = None


class FacetParameters(FilterParameters):
    """The values of a field."""

    field: Annotated[
        _Facet,
        Field(description="Whose values to count."),
    ]
    prefix: Annotated[str, Field(max_length=200, description="Only values with a word that begins so.")] = ""
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100


class TimelineParameters(FilterParameters):
    """The timeline of all months, or of the days of one."""

    month: Annotated[str | None, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="Count its days.")] = None


class MapParameters(FilterParameters):
    """The clusters on a part of the map: `box`, or the whole map without it."""

    zoom: Annotated[int, Field(ge=0, le=22, description="The zoom of the map: 0 shows the world in one tile.")] = 2


class PageParameters(BaseModel):
    """A page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = 50
    cursor: Cursor = None
