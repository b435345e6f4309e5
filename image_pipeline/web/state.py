"""Routes about the state of the library: what was ingested, what waits, what could not be read."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query

from image_pipeline.collection.points import point_id
from image_pipeline.http_problem import failures
from image_pipeline.services.directories import ingested_directories
from image_pipeline.services.status import Status
from image_pipeline.web.library import ServedLibrary
from image_pipeline.web.parameters import PageParameters
from image_pipeline.web.photographs import cursor_after, last_of
from image_pipeline.web.replies import Damaged, DirectoriesAnswer, IngestedDirectory, QuarantineAnswer, Quarantined

Listed = TypeVar("Listed")


def state_routes(library: ServedLibrary) -> APIRouter:
    """The routes over the state of `library`."""
    router = APIRouter(tags=["state"])

    @router.get("/status", responses=failures(500, 503))
    def status() -> Status:
        """What was ingested and with which models, what waits, the size of the store, the last run.

        It is at most five seconds old. The library and the store are examined for up to two seconds each; for very
        large ones, the figures are lower bounds.
        """
        return library.status()

    @router.get("/directories", responses=failures(422, 500, 503))
    def directories(given: Annotated[PageParameters, Query()]) -> DirectoriesAnswer:
        """The directories that were ingested, by name."""
        known = ingested_directories(library.wiring.ledger.entries())
        page, cursor = _page(known, lambda one: one.directory, given)
        return DirectoriesAnswer(
            directories=[
                IngestedDirectory(
                    directory=one.directory,
                    files=one.files,
                    photographs=one.indexed,
                    quarantined=one.quarantined,
                    ingested_at=one.ingested_at,
                )
                for one in page
            ],
            total=len(known),
            cursor=cursor,
        )

    @router.get("/quarantine", responses=failures(422, 500, 503))
    def quarantine(given: Annotated[PageParameters, Query()]) -> QuarantineAnswer:
        """The files that could not be read, by path; and those that are shown although they are damaged."""
        ledger = library.wiring.ledger
        known = ledger.quarantine()
        page, cursor = _page(known, lambda one: one.path, given)
        return QuarantineAnswer(
            files=[
                Quarantined(
                    path=one.path,
                    sha256=one.sha256,
                    reason=one.reason,
                    message=one.message,
                    run_id=one.run_id,
                    since=one.since,
                )
                for one in page
            ],
            total=len(known),
            damaged=[
                Damaged(id=point_id(one.path), path=one.path, sha256=one.sha256, damaged=one.damaged)
                for one in ledger.damaged()
            ],
            cursor=cursor,
        )

    return router


def _page(
    known: Sequence[Listed], name_of: Callable[[Listed], str], given: PageParameters
) -> tuple[list[Listed], str | None]:
    """The page of a list in order of names that is asked for, and the cursor of the next one, if there is one."""
    after = last_of(given.cursor)
    page = [one for one in known if after is None or name_of(one) > after][: given.limit + 1]
    shown = page[: given.limit]
    return shown, cursor_after(name_of(shown[-1])) if len(page) > given.limit else None
