"""`GET /session`: what the page has to know of its visitor."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from image_pipeline.http_problem import failures
from image_pipeline.web.door.access import Means
from image_pipeline.web.door.door import visitor_of


class Session(BaseModel):
    """`token` goes into the header `X-CSRF-Token` of each request that changes something.

    `can_sign_out` says that the visitor has given a password in this browser.
    """

    model_config = ConfigDict(extra="forbid")

    token: str
    can_sign_out: bool


def session_router() -> APIRouter:
    """The route."""
    router = APIRouter(tags=["session"])

    @router.get("/session", responses=failures(401))
    async def session(request: Request) -> Session:
        """The visitor's token, and whether they can sign out."""
        visitor = visitor_of(request.scope)
        return Session(token=visitor.token, can_sign_out=visitor.means is Means.SESSION)

    return router
