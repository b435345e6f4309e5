"""Where a request comes from: the name under which a browser looked a page up, and the page that sends the request.

A service without a password on a machine's own loopback interface is safe only if requests come from its own page, or
from programs of that machine; but a browser also sends requests for any other web page that is open. They are told
apart by headers that a web page cannot forge: `Host`, `Origin`, `Sec-Fetch-Site`. Programs send only the first.
"""

import re
from collections.abc import Collection

from starlette.datastructures import Headers

from image_pipeline.settings import Settings, variable_of

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names that always lead to the browser's own machine, whatever a name server says."""

_OWN = frozenset({"same-origin", "none"})  # "none": a person typed the address
_PORT = re.compile(r":\d+\Z", re.ASCII)


def names_of_page(settings: Settings) -> frozenset[str]:
    """The names under which a page may be opened: those of the machine itself, and those in the settings."""
    further = (settings.page_hosts or "").split(",")
    return LOOPBACK_NAMES | {name.strip().lower() for name in further if name.strip()}


def only(headers: Headers, name: str) -> str | None:
    """The value of a header that occurs once; a header that occurs twice is ambiguous, and gives None."""
    values = headers.getlist(name)
    return values[0] if len(values) == 1 else None


def name_of_host(host: str) -> str:
    """The name in a `Host` header, in lower case, without the port: so a forwarded port works."""
    return _PORT.sub("", host).lower().removesuffix(".")


def wrong_name(host: str | None, names: Collection[str]) -> str | None:
    """Why a page may not be opened under the name in the header `Host`; None if it may.

    Another name may belong to a web page whose name server has begun to answer with the address of this machine.
    """
    if host is not None and name_of_host(host) in names:
        return None
    return (
        f"The page may not be opened under the name {host or ''!a}: open it at 127.0.0.1 or localhost, or add the "
        f"name to {variable_of('page_hosts')}."
    )


def is_foreign(headers: Headers, host: str) -> bool:
    """Whether a browser says that the request comes from another page, or from another program's page on this machine.

    Browsers send the origin with every request that does more than read, and `Sec-Fetch-Site` with every request to a
    loopback name or over TLS. Other programs send neither.
    """
    origins = {origin.lower() for origin in headers.getlist("origin")}
    own = {f"http://{host.lower()}", f"https://{host.lower()}"}  # https: behind a proxy that does TLS
    return not origins <= own or not _OWN.issuperset(headers.getlist("sec-fetch-site"))


def is_of_browser(headers: Headers) -> bool:
    """Whether a browser sends the request for a page or for a person who follows a link."""
    return "origin" in headers or "sec-fetch-site" in headers


def is_navigation(headers: Headers) -> bool:
    """Whether a browser opens the address in a window of its own: the page that has the link then sees nothing."""
    return (
        "origin" not in headers
        and headers.getlist("sec-fetch-mode") == ["navigate"]
        and headers.getlist("sec-fetch-dest") == ["document"]
    )
