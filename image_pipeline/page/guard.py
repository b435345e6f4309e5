"""The guard of the page: decides which requests reach Dagster's page.

Dagster's page has no password and does whatever a request asks for. `http_origin` says how the guard tells requests of
the page itself, and of programs, from those that a browser sends for other web pages.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.http_origin import is_foreign, is_navigation, only, wrong_name

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer: no other page may frame it, keep a handle on its window, or embed it."""

_NO_FRAMES = "frame-ancestors 'self'"  # in addition to the policy that Dagster sends: a browser obeys both

_NOTEBOOK = (
    "/notebook",
    "/dagit/notebook",
)  # renders any notebook on the disk, and runs its scripts as if they were the page's

NOT_APP = frozenset(
    {
        *("graphql", "logs", "download_debug", "notebook", "dagit", "server_info", "dagit_info"),
        *("report_asset_materialization", "report_asset_check", "report_asset_observation"),
    }
)
"""First parts of the paths that lead to something other than the page's HTML and its files."""

_JSON = "application/json"
_CHANGING = frozenset(OperationType) - {OperationType.QUERY}
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused: the status of the answer, and a sentence."""

    status: int
    reason: str


def refusal(scope: Scope, names: Collection[str]) -> Refusal | None:
    """Why a request (`http` or `websocket`) is refused, or None if it is let through.

    `names` are the names, in lower case, under which the page may be opened; the port is ignored, so that a forwarded
    port works. A request is let through if it uses one of these names, and comes from the page itself or from a program
    that is not a browser. A link on another page may open the page in its own window. Requests other than GET and HEAD
    must send JSON: a form cannot send it, and a script of another page has to ask first. A GET must not contain a
    mutation, whatever its path, since Dagster's router accepts several spellings of a path.
    """
    headers = Headers(scope=scope)
    host = only(headers, "host")
    misnamed = wrong_name(host, names)
    if host is None or misnamed is not None:
        return Refusal(421, misnamed or "")
    path = scope["path"]
    if any(unicodedata.category(character) == "Cc" for character in path):
        return Refusal(400, "The address contains a control character.")
    if path in _NOTEBOOK or ".." in path.split("/"):
        return Refusal(404, "There is no page at this address.")
    method = "GET" if scope["type"] == "websocket" else scope["method"]
    if is_foreign(headers, host) and not (scope["type"] == "http" and _is_link(method, path, headers)):
        return Refusal(403, "The request comes from another web page: use the page itself.")
    if method not in _READING:
        if _media_type(headers) != _JSON:
            return Refusal(415, "The page accepts only JSON: send `Content-Type: application/json`.")
    elif _changes_something(scope):
        return Refusal(405, "A GET request may only read: send a mutation as POST.")
    elif _has_body(headers):
        return Refusal(400, "A GET request must not have a body: send it as POST.")
    return None


class Guard:
    """ASGI middleware that answers refused requests itself, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app, self._names = app, frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.append("Content-Security-Policy", _NO_FRAMES)
            await send(message)

        refused = refusal(scope, self._names)
        if refused is None and _media_type(Headers(scope=scope)) == _JSON:
            MutableHeaders(scope=scope)["content-type"] = _JSON  # Dagster recognises it only in lower case
        app = self._app if refused is None else PlainTextResponse(f"{refused.reason}\n", refused.status)
        await app(scope, receive, send_with_headers)


def _media_type(headers: Headers) -> str:
    """The media type of the body, in lower case, without parameters; "" if there is none, or more than one."""
    return (only(headers, "content-type") or "").partition(";")[0].strip().lower()


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or not {"0"}.issuperset(headers.getlist("content-length"))


def _is_link(method: str, path: str, headers: Headers) -> bool:
    """Whether a browser opens the page in its own window, as a link does: the other page then sees nothing of it.

    This applies only to the page itself: a link to a log would download it, and a link to a query would execute it.
    """
    return method in _READING and path.split("/")[1] not in NOT_APP and is_navigation(headers)


def _changes_something(scope: Scope) -> bool:
    """Whether a query in the address contains an operation that does more than read.

    Dagster uses the same parser. However, deeply nested queries that fail to parse here may succeed there, where more
    of the stack is left; so for a query that fails, the name of such an operation is enough.
    """
    for query in QueryParams(scope["query_string"]).getlist("query"):
        try:
            document = parse(query)
        except GraphQLError:
            if any(operation.value in query for operation in _CHANGING):
                return True
            continue
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode) and definition.operation in _CHANGING:
                return True
    return False
