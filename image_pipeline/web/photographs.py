"""Routes about single photographs, and about files with the same picture."""

import base64
import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter

from image_pipeline.http_problem import RefusedError, failures
from image_pipeline.schema.payload import PATH
from image_pipeline.services.duplicates import read_duplicates
from image_pipeline.services.file_record import read_record
from image_pipeline.web.library import ServedLibrary
from image_pipeline.web.parameters import PageParameters
from image_pipeline.web.replies import DuplicatesAnswer, Facts, FileChange, PhotographRecord, SameFiles
from image_pipeline.web.shown import same_file


def photograph_routes(library: ServedLibrary) -> APIRouter:
    """The routes over the photographs of `library`."""
    router = APIRouter(tags=["photographs"])

    @router.get("/photos/{id}", responses=failures(404, 409, 422, 500, 503))
    def photograph(point: Annotated[uuid.UUID, PathParameter(alias="id")]) -> PhotographRecord:
        """All that is known of a photograph."""
        payload = library.search.record(str(point))
        path = str(payload[PATH.name])
        record = read_record(library.wiring, [path], library.search.address)
        return PhotographRecord(
            id=str(point),
            path=path,
            facts=Facts.model_validate(dict(payload)),
            identical=[] if record is None else list(record.identical),
            same_pixels=[] if record is None else list(record.same_pixels),
            has_metadata=record is None or record.has_metadata,
            has_thumbnail=record is not None and record.thumbnail is not None,
            history=[
                FileChange(
                    at=event.at,
                    event=str(event.event),
                    run_id=event.run_id,
                    sha256=event.sha256,
                    reason=event.reason,
                    message=event.message,
                )
                for event in (() if record is None else record.history)
            ],
        )

    @router.get("/duplicates", responses=failures(409, 422, 500, 503))
    def duplicates(given: Annotated[PageParameters, Query()]) -> DuplicatesAnswer:
        """Groups of files with the same pixels."""
        found = read_duplicates(library.search, given.limit, last_of(given.cursor))
        return DuplicatesAnswer(
            groups=[
                SameFiles(pixels=one.pixels, files=[same_file(file) for file in one.files]) for one in found.groups
            ],
            total=found.total,
            cursor=None if found.last is None else cursor_after(found.last),
        )

    return router


def cursor_after(name: str) -> str:
    """The cursor of the page after the entry `name` of a list that is sorted by names."""
    return base64.urlsafe_b64encode(name.encode()).decode()


def last_of(cursor: str | None) -> str | None:
    """The name of the last entry of the page before; None if there is none. Raises RefusedError."""
    try:
        return None if cursor is None else base64.b64decode(cursor, b"-_", validate=True).decode()
    except ValueError as error:
        raise RefusedError(
            422, "cursor", "The cursor is not valid: give the one of the page before, as it is."
        ) from error
