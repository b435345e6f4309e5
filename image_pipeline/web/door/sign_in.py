"""Signing in and out: a form that needs no script, and the cookies that come of the right password."""

import asyncio
from functools import cache
from importlib.resources import files
from urllib.parse import parse_qs, quote, urlsplit

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope

from image_pipeline.http_body import LimitedBody, TooLargeError, TooSlowError, announces_too_much
from image_pipeline.http_problem import RefusedError
from image_pipeline.storage.sessions import DEVICE_SECONDS, SESSION_SECONDS
from image_pipeline.web.door.access import Access
from image_pipeline.web.door.password import PasswordFile
from image_pipeline.web.door.throttle import Throttle, caller_of

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
STYLE = "/sign-in.css"
PATHS = frozenset({SIGN_IN, SIGN_OUT, STYLE})
"""The paths that are answered here."""

_MOST_FORM_BYTES = 16 << 10
_FORM_SECONDS = 30.0
_LONGEST_ADDRESS = 4000
_RELOAD = '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>…</title>'


class SignIn:
    """The pages for signing in and out; wrong passwords are throttled."""

    def __init__(self, access: Access, throttle: Throttle | None = None) -> None:
        self._access, self._throttle = access, throttle or Throttle()

    def invitation(self, scope: Scope, headers: Headers) -> Response | None:
        """What a browser that opens a page gets if it has to sign in; None if there is no password.

        A browser that follows a link of another page sends no cookie. So it is told to load the page again, by itself.
        """
        if self._access.password is None:
            return None
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return HTMLResponse(_RELOAD)
        query = scope["query_string"].decode("latin-1")
        wanted = quote(scope["path"]) + (f"?{query}" if query else "")
        return RedirectResponse(f"{SIGN_IN}?next={quote(wanted, safe='')}" if wanted != "/" else SIGN_IN, 303)

    async def answer(self, scope: Scope, receive: Receive, headers: Headers) -> Response:
        """The answer to a request for one of `PATHS`. Raises RefusedError, and StoreError if the store is no use."""
        request, password = Request(scope, receive), self._access.password
        if password is None:
            raise RefusedError(404, "no_password", "There is no password here.")
        match scope["path"], scope["method"]:
            case (path, "GET" | "HEAD") if path == STYLE:
                return Response(_style(), media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})
            case (path, "GET" | "HEAD") if path == SIGN_IN:
                wanted = local_address(request.query_params.get("next", ""))
                if self._access.session(headers) is not None:
                    return RedirectResponse(wanted, 303)
                return _form(wanted)
            case (path, "POST") if path == SIGN_IN:
                return await self._sign_in(scope, headers, password, await _fields(receive, headers))
            case (path, "POST") if path == SIGN_OUT:
                return self._sign_out(headers, await _fields(receive, headers))
        allowed = {SIGN_IN: "GET, HEAD, POST", SIGN_OUT: "POST"}.get(scope["path"], "GET, HEAD")
        raise RefusedError(405, "method", "This address is not for that.", {"Allow": allowed})

    async def _sign_in(
        self, scope: Scope, headers: Headers, password: PasswordFile, fields: dict[str, str]
    ) -> Response:
        wanted, device = local_address(fields.get("next", "")), self._access.known_device(headers)
        client = scope.get("client")
        caller = device or caller_of(client[0] if client else "")
        wait = self._throttle.begin(caller, is_known=device is not None)
        if wait:
            message = f"Too many attempts: try again in {wait} s."
            return _form(wanted, message, 429, {"Retry-After": str(wait)})
        if not await asyncio.to_thread(password.accepts, fields.get("password", "")):
            return _form(wanted, "This is not the password.", 403)
        self._throttle.succeeded(caller, is_known=device is not None)
        answer = RedirectResponse(wanted, 303)
        # the browser says by the origin whether it uses TLS: a proxy may have ended it on the way
        is_secure = headers.get("origin", "").startswith("https://") or scope["scheme"] == "https"
        sessions, stored = self._access.sessions, password.stored
        cookies = [(self._access.session_cookie, sessions.begin(stored), SESSION_SECONDS)]
        if device is None:
            cookies.append((self._access.device_cookie, sessions.remember_device(stored), DEVICE_SECONDS))
        for name, value, seconds in cookies:
            answer.set_cookie(name, value, seconds, httponly=True, samesite="strict", secure=is_secure)
        return answer

    def _sign_out(self, headers: Headers, fields: dict[str, str]) -> Response:
        session = self._access.session(headers)
        if session is not None:
            if not self._access.is_token(session, fields.get("token", "")):
                raise RefusedError(403, "token", "The page is out of date: load it again.")
            self._access.sessions.end(session)
        answer = RedirectResponse(SIGN_IN, 303, {"Clear-Site-Data": '"cache"'})
        answer.delete_cookie(self._access.session_cookie, httponly=True, samesite="strict")
        return answer


def local_address(wanted: str) -> str:
    """`wanted`, if it is the address of a page here; else that of the first page."""
    is_plain = wanted.isascii() and wanted.isprintable() and len(wanted) <= _LONGEST_ADDRESS
    if not is_plain or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc or parts.path in PATHS else wanted


async def _fields(receive: Receive, headers: Headers) -> dict[str, str]:
    """The fields of a form. Raises RefusedError if the body is none."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise RefusedError(415, "media_type", "The body must be a form.")
    try:
        if announces_too_much(headers, _MOST_FORM_BYTES):
            raise TooLargeError
        async with asyncio.timeout(_FORM_SECONDS):
            body = await _whole(LimitedBody(receive, _MOST_FORM_BYTES))
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=8)
    except (TooLargeError, ValueError) as error:
        raise RefusedError(413, "too_large", "The form is too large, or no form.") from error
    except (TooSlowError, TimeoutError) as error:
        raise RefusedError(408, "too_slow", "The form did not arrive in time.") from error
    return {name: values[0] for name, values in fields.items()}


async def _whole(receive: Receive) -> bytes:
    body, has_more = b"", True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(400, "gone", "The form did not arrive.")
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    return body


def _form(wanted: str, message: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Response:
    text = _templates().get_template("sign_in.html").render(next=wanted, message=message, action=SIGN_IN, style=STYLE)
    return HTMLResponse(text, status, headers)


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader("image_pipeline.web.door", "."), autoescape=select_autoescape())


@cache
def _style() -> bytes:
    return files("image_pipeline.web.door").joinpath("sign_in.css").read_bytes()
