"""The routes of the page: one shell for all of its views, and its assets."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from image_pipeline.http_problem import RefusedError
from image_pipeline.services.facet_fields import FACETS
from image_pipeline.services.query_filters import OTHER_NAMES, QUERY_FILTERS
from image_pipeline.web.door.access import Means
from image_pipeline.web.door.door import visitor_of
from image_pipeline.web.door.sign_in import SIGN_OUT
from image_pipeline.web.page.assets import Assets
from image_pipeline.web.page.remedies import REMEDIES

VIEWS = {
    "/": "Photographs",
    "/map": "Map",
    "/duplicates": "Duplicates",
    "/problems": "Problems",
    "/status": "Status",
}
"""The views of the page: their paths and names."""

_CACHE = "private, max-age=31536000, immutable"  # the address has the version


def page_router() -> APIRouter:
    """The routes."""
    router = APIRouter()
    assets = Assets()
    environment = Environment(
        loader=PackageLoader("image_pipeline.web.page", "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html")

    async def shell(request: Request) -> Response:
        visitor = visitor_of(request.scope)
        path = request.url.path
        return HTMLResponse(
            template.render(
                version=assets.version,
                modules=assets.modules,
                views=VIEWS,
                path=path,
                name=VIEWS[path],
                token=visitor.token,
                sign_out=SIGN_OUT if visitor.means is Means.SESSION else None,
                filters=QUERY_FILTERS,
                other_names=OTHER_NAMES,
                facets=FACETS,
                remedies=REMEDIES,
            )
        )

    for path in VIEWS:
        router.add_api_route(path, shell, methods=["GET"])

    @router.get("/static/{version}/{path:path}")
    async def asset(version: str, path: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
        found = assets.get(path) if version == assets.version else None
        if found is None:
            raise RefusedError(404, "no_file", "There is no such file: load the page again.")
        headers = {"Cache-Control": _CACHE, "Vary": "Accept-Encoding"}
        if "gzip" in accept_encoding:
            headers["Content-Encoding"] = "gzip"
            return Response(found.compressed, media_type=found.media_type, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)

    return router
