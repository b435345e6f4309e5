"""Routes that find photographs: a search, the pages that follow, and what a query asks for."""

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile
from fastapi import Path as PathParameter

from image_pipeline.collection.hits import Sort
from image_pipeline.collection.points import point_id
from image_pipeline.files.names import from_text
from image_pipeline.files.open_file import LibraryFile, find_below
from image_pipeline.http_problem import RefusedError, failures
from image_pipeline.services.picture_query import UnreadablePictureError
from image_pipeline.services.query_language import MOST_CHARACTERS, parse_query
from image_pipeline.services.query_tokens import QueryError
from image_pipeline.services.question import Question, UnknownPhotographError
from image_pipeline.web.library import ServedLibrary
from image_pipeline.web.parameters import PageParameters, SearchParameters
from image_pipeline.web.replies import ParsedQuery, QueryChip, QueryProblem, SearchAnswer
from image_pipeline.web.shown import search_answer


def search_routes(library: ServedLibrary) -> APIRouter:
    """The routes over the search of `library`."""
    router = APIRouter(tags=["search"])
    pages = library.pages

    @router.get("/search", responses=failures(404, 409, 410, 422, 500, 503))
    def search(given: Annotated[SearchParameters, Query()]) -> SearchAnswer:
        """Find photographs: by words, by a picture of the library, by examples, by filters alone.

        Without anything to compare photographs with, all that pass the filters are found, the newest first. A page that
        follows is asked for with its cursor alone, and perhaps a limit. No photograph is repeated or skipped if the
        collection changes meanwhile.
        """
        if given.cursor is not None:
            if given.model_fields_set - {"cursor", "limit"}:
                raise RefusedError(
                    422, "invalid", "Give a cursor alone, or with a limit: it has the rest of the search."
                )
            return search_answer(pages.following(given.cursor, given.limit))
        return _first_page(library, given, None)

    @router.post("/search", responses=failures(404, 409, 422, 500, 503))
    def search_by_upload(
        given: Annotated[SearchParameters, Query()],
        picture: Annotated[UploadFile, File(description="A picture in any format that the library may have.")],
    ) -> SearchAnswer:
        """Find photographs like an uploaded picture. The pages that follow are asked for with GET and the cursor."""
        if given.cursor is not None:
            raise RefusedError(422, "invalid", "Ask for the next page with GET and the cursor alone.")
        with tempfile.TemporaryDirectory(prefix="image-pipeline-") as directory:
            file = Path(directory) / "picture"
            with file.open("wb") as copy:
                shutil.copyfileobj(picture.file, copy)
            return _first_page(library, given, file)

    @router.get("/similar/{id}", responses=failures(404, 409, 410, 422, 500, 503))
    def similar(
        point: Annotated[uuid.UUID, PathParameter(alias="id")], given: Annotated[PageParameters, Query()]
    ) -> SearchAnswer:
        """Find the photographs most like one, without itself and its copies."""
        if given.cursor is not None:
            return search_answer(pages.following(given.cursor, given.limit))
        return search_answer(pages.first(Question(like=(str(point),)), None, given.limit))

    @router.get("/parse", responses=failures(422))
    def parse(q: Annotated[str, Query(max_length=MOST_CHARACTERS)] = "") -> ParsedQuery:
        """What a query asks for, or why it cannot be understood."""
        try:
            query = parse_query(q)
        except QueryError as error:
            problem = QueryProblem(message=str(error), start=error.start, end=error.end)
            return ParsedQuery(words="", phrases=[], chips=[], text="", error=problem)
        chips = [
            QueryChip(text=one.text, name=one.name, negative=one.is_negative, start=one.start, end=one.end)
            for one in query.chips
        ]
        return ParsedQuery(words=query.words, phrases=list(query.phrases), chips=chips, text=query.text, error=None)

    return router


def _first_page(library: ServedLibrary, given: SearchParameters, upload: Path | None) -> SearchAnswer:
    query = given.query()
    picture, like = _example(library, given.path)
    question = Question(
        words=query.words,
        phrases=query.phrases,
        picture=upload or picture,
        like=(*map(str, given.like), *like),
        unlike=tuple(map(str, given.unlike)),
        search_filter=given.search_filter(query),
    )
    if upload is not None and picture is not None:
        raise RefusedError(422, "invalid", "Give a path or upload a picture, not both.")
    if question.unlike and not question.is_compared:
        raise RefusedError(
            422, "invalid", "Photographs can be unlike others only if they are to be like something, too."
        )
    if given.sort == "relevance" and not question.is_compared:
        raise RefusedError(422, "invalid", "Without words or examples, sort by newest or oldest.")
    try:
        page = library.pages.first(question, Sort(given.sort) if given.sort else None, given.limit, not given.all)
    except UnreadablePictureError as error:
        raise RefusedError(
            422, "picture", f"The picture cannot be read ({error.reason}): choose a different one."
        ) from error
    return search_answer(page)


def _example(library: ServedLibrary, path: str | None) -> tuple[LibraryFile | None, tuple[str, ...]]:
    """The picture of the library at a path: its point if it has one, else the file, opened without following links."""
    if path is None:
        return None, ()
    id_ = point_id(path)
    try:
        library.search.record(id_)
    except UnknownPhotographError:
        root = library.root
        try:
            if root is not None:
                return find_below(root.absolute(), from_text(path)), ()
        except (OSError, ValueError):  # what it is is nobody's business
            pass
        raise RefusedError(404, "unknown", "There is no such picture in the library: give the path of one.") from None
    return None, (id_,)
