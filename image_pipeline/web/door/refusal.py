"""Requests that are refused whoever sends them: they come from another web page, or have no sound address."""

import hmac
import ipaddress
import unicodedata
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import Scope

from image_pipeline.http_origin import is_foreign, is_navigation, is_of_browser, name_of_host, only, wrong_name
from image_pipeline.http_problem import RefusedError
from image_pipeline.web.door.access import Means, Visitor

API = "/api/"
"""The beginning of the paths of the API."""

TOKEN_HEADER = "x-csrf-token"
"""The header with the token of a visitor, which a page sends with a request that changes something."""

READING = frozenset({"GET", "HEAD"})


def check_address(scope: Scope, headers: Headers, names: Collection[str]) -> None:
    """Raises RefusedError unless a browser may use this address: its name, its path and the page that sends it.

    `names` are the names, in lower case, under which the page may be opened. The numeric address at which the request
    arrived is one, too: no name server can make it lead elsewhere.
    """
    host = only(headers, "host")
    misnamed = wrong_name(host, names)
    if host is None or (misnamed is not None and not _is_own_address(scope, host)):
        raise RefusedError(421, "host", misnamed or "")
    path = scope["path"]
    if any(unicodedata.category(character) == "Cc" for character in path):
        raise RefusedError(404, "address", "There is nothing at an address with a control character.")
    if is_foreign(headers, host) and not is_link(scope, headers):
        raise RefusedError(403, "foreign", "The request comes from another web page: use the page itself.")


def check_token(scope: Scope, headers: Headers, visitor: Visitor) -> None:
    """Raises RefusedError if a browser asks for a change without the visitor's token, which only the page itself knows.

    Programs send no cookie and nothing that browsers send, and need none.
    """
    if scope["method"] in READING:
        return
    if visitor.means is not Means.SESSION and not is_of_browser(headers):
        return
    if not hmac.compare_digest((only(headers, TOKEN_HEADER) or "").encode(), visitor.token.encode()):
        raise RefusedError(403, "token", "The page is out of date: load it again.")


def is_link(scope: Scope, headers: Headers) -> bool:
    """Whether a browser opens a page, not an address of the API, as a link of another page does."""
    return scope["method"] in READING and not scope["path"].startswith(API) and is_navigation(headers)


def _is_own_address(scope: Scope, host: str) -> bool:
    server = scope.get("server")
    if server is None:
        return False
    try:
        return _numeric(name_of_host(host).strip("[]")) == _numeric(server[0])
    except ValueError:
        return False


def _numeric(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    known = ipaddress.ip_address(address)
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None  # it listens on both
    return known if mapped is None else mapped
