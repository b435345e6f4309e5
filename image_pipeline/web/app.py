"""The application of the search page and its API: routes over one library, without any door in front of them."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request, Response

from image_pipeline.collection.facets import MissingIndexError
from image_pipeline.collection.qdrant import NoCollectionError
from image_pipeline.errors import PipelineError
from image_pipeline.http_problem import add_problem_handlers, problem
from image_pipeline.services.filter_texts import FilterTextError
from image_pipeline.services.query_tokens import QueryError
from image_pipeline.services.question import UnknownPhotographError
from image_pipeline.services.ranking import ForgottenRankingError
from image_pipeline.services.search_pages import CursorError
from image_pipeline.traces import spans_of_requests
from image_pipeline.web.counts import count_routes
from image_pipeline.web.library import ServedLibrary
from image_pipeline.web.photographs import photograph_routes
from image_pipeline.web.searches import search_routes
from image_pipeline.web.state import state_routes

PREFIX = "/api/v1"

_PROBLEMS: dict[type[PipelineError], tuple[int, str]] = {
    QueryError: (422, "query"),
    FilterTextError: (422, "filter"),
    CursorError: (422, "cursor"),
    UnknownPhotographError: (404, "unknown"),
    ForgottenRankingError: (410, "forgotten"),
    MissingIndexError: (409, "older_collection"),
    NoCollectionError: (409, "no_collection"),
}
"""The status and the code with which errors are answered that are about the request, or the state of the library."""


def create_app(library: ServedLibrary, more: Sequence[APIRouter] = (), pages: Sequence[APIRouter] = ()) -> FastAPI:
    """The application over `library`: the API with the routes of `more`, all below `/api/v1`, and those of `pages`."""
    app = FastAPI(
        title="image-pipeline",
        version="1",
        summary="Search of photographs, and all that is known of them.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # their scripts come from another server
        redoc_url=None,
        telemetry=spans_of_requests(),
    )
    add_problem_handlers(app)
    for kind, (status, code) in _PROBLEMS.items():
        _answer(app, kind, status, code)
    for router in (
        search_routes(library),
        photograph_routes(library),
        count_routes(library),
        state_routes(library),
        *more,
    ):
        app.include_router(router, prefix=PREFIX)
    for router in pages:
        app.include_router(router, include_in_schema=False)
    return app


def _answer(app: FastAPI, kind: type[PipelineError], status: int, code: str) -> None:
    @app.exception_handler(kind)
    async def answer(_: Request, error: Exception) -> Response:
        return problem(status, code, str(error))
