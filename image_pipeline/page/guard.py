"""The guard of the page: which requests reach Dagster's page at all.

Dagster's page asks for no password, and does whatever a request says. That is safe on a machine's own loopback only as
long as requests come from its own pages, or from programs of that machine: a browser sends them for every web page that
a person has open. The guard knows those by what a browser cannot be talked out of sending: the name under which it
looked the page up (`Host`), and the page that asks (`Origin`, `Sec-Fetch-Site`).
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.settings import variable_of

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names that lead to the machine of the browser itself, whatever a name server says."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What each answer says: no other page may frame it, hold on to its window, or take it in as a picture or a script."""

_NO_FRAMES = "frame-ancestors 'self'"  # beside the policy that Dagster sends: a browser keeps to both

_NOTEBOOK = (
    "/notebook",
    "/dagit/notebook",
)  # renders any notebook of the disk, with its scripts, as if it were the page

NOT_APP = frozenset(
    {
        *("graphql", "logs", "download_debug", "notebook", "dagit", "server_info", "dagit_info"),
        *("report_asset_materialization", "report_asset_check", "report_asset_observation"),
    }
)
"""First parts of the paths that lead to something else than the page's HTML, or a file of it."""

_JSON = "application/json"
_CHANGING = frozenset(OperationType) - {OperationType.QUERY}
_READING = frozenset({"GET", "HEAD"})
_OWN = frozenset({"same-origin", "none"})  # "none": a person typed the address
_PORT = re.compile(r":\d+\Z", re.ASCII)


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let through: the status of the answer, and a sentence."""

    status: int
    reason: str


def refusal(scope: Scope, names: Collection[str]) -> Refusal | None:
    """Why a request (`http` or `websocket`) is refused, or None if it is let through.

    `names` are the names, in small letters, under which the page may be opened; the port makes no difference, so that
    a forwarded one does. A request is let through if it asks for one of them, and comes from the page itself, or from
    what is no browser. A link on another page may open the page, in a window of its own. What is not only read has to
    be JSON: a form cannot send that, and a script of another page only after having asked. A GET holds no mutation,
    whatever its path: Dagster's router takes more than one spelling of a path for the same.
    """
    headers = Headers(scope=scope)
    host = _only(headers, "host")
    if host is None or _PORT.sub("", host).lower().removesuffix(".") not in names:
        return Refusal(
            421,
            f"The page does not answer to the name {host or ''!a}: open it at 127.0.0.1 or localhost, or add the name "
            f"to {variable_of('page_hosts')}.",
        )
    path = scope["path"]
    if any(unicodedata.category(character) == "Cc" for character in path):
        return Refusal(400, "The address holds a control character.")
    if path in _NOTEBOOK or ".." in path.split("/"):
        return Refusal(404, "The page has nothing at this address.")
    method = "GET" if scope["type"] == "websocket" else scope["method"]
    if _is_foreign(headers, host) and not (scope["type"] == "http" and _is_link(method, path, headers)):
        return Refusal(403, "The request comes from another web page: use the page itself.")
    if method not in _READING:
        if _media_type(headers) != _JSON:
            return Refusal(415, "The page takes JSON only: send `Content-Type: application/json`.")
    elif _changes_something(scope):
        return Refusal(405, "A GET request reads: send a mutation as POST.")
    elif _has_body(headers):
        return Refusal(400, "A GET request has no body: send what has one as POST.")
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
            MutableHeaders(scope=scope)["content-type"] = _JSON  # Dagster knows it in small letters only
        app = self._app if refused is None else PlainTextResponse(f"{refused.reason}\n", refused.status)
        await app(scope, receive, send_with_headers)


def _only(headers: Headers, name: str) -> str | None:
    """The value of a header that is there once; what is there twice could be read in two ways."""
    values = headers.getlist(name)
    return values[0] if len(values) == 1 else None


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a browser says that another page, or another program's on this machine, sends the request.

    Browsers tell the origin with everything but plain reading, and where a request comes from (`Sec-Fetch-Site`) with
    everything that goes to a loopback name or over TLS. Other programs send neither.
    """
    origins = {origin.lower() for origin in headers.getlist("origin")}
    own = {f"http://{host.lower()}", f"https://{host.lower()}"}  # https: behind a proxy that does TLS
    return not origins <= own or not _OWN.issuperset(headers.getlist("sec-fetch-site"))


def _media_type(headers: Headers) -> str:
    """The type of the body, in small letters, without its parameters; "" if none is named, or more than one."""
    return (_only(headers, "content-type") or "").partition(";")[0].strip().lower()


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or not {"0"}.issuperset(headers.getlist("content-length"))


def _is_link(method: str, path: str, headers: Headers) -> bool:
    """Whether a browser opens the page in a window of its own, as a link does: the other page sees nothing of it.

    Only the page as such: a link to a log would download it, and one to a query would have it executed.
    """
    return (
        method in _READING
        and path.split("/")[1] not in NOT_APP
        and "origin" not in headers
        and headers.getlist("sec-fetch-mode") == ["navigate"]
        and headers.getlist("sec-fetch-dest") == ["document"]
    )


def _changes_something(scope: Scope) -> bool:
    """Whether a query in the address holds an operation that does not only read.

    Dagster parses it with the same parser. What that refuses here it may take there, where more of the stack is left
    for what is nested; so the word alone is enough then.
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
