"""The door of the page: every request passes it, and every answer gets its headers here."""

import asyncio
import logging
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.errors import PipelineError
from image_pipeline.http_body import SILENT_SECONDS, LimitedBody, TooLargeError, TooSlowError, announces_too_much
from image_pipeline.http_problem import RefusedError, problem
from image_pipeline.web.door.access import Access, Visitor
from image_pipeline.web.door.headers import add_headers
from image_pipeline.web.door.refusal import API, check_address, check_token
from image_pipeline.web.door.sign_in import PATHS, SignIn

HEALTH = "/health"
"""The path that says that the process answers, to everybody: an orchestrator asks it."""

MOST_BYTES = 64 << 20
"""The most bytes of a request's body: a photograph to search by."""

ANSWER_SECONDS = 120.0
"""How long a request may take until its answer begins, in s."""

BODY_SECONDS = 600.0
"""How much longer it may take if a body has to arrive first, in s: a photograph from a telephone on a slow network."""

READ_SECONDS = 60.0
"""How long a client may take to receive a part of an answer, in s."""

_VISITOR = "image_pipeline.visitor"

_log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """A client does not read its answer."""


class Door:
    """ASGI middleware: refuses what must not come in, signs people in, limits bytes and time, and adds headers.

    `names` are the names, in lower case, under which the page may be opened.
    """

    def __init__(self, app: ASGIApp, access: Access, names: Collection[str], sign_in: SignIn | None = None) -> None:
        self._app, self._access, self._names = app, access, frozenset(names)
        self._sign_in = sign_in or SignIn(access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        answering = _Answering(send)
        try:
            answer = await self._own_answer(scope, receive)
            if answer is None:
                await self._pass(scope, receive, answering)
                return
        except RefusedError as error:
            answer = problem(error.status, error.code, error.message, error.headers)
        except PipelineError as error:
            _log.error("%s", error)
            answer = problem(503, "failed", str(error))
        if not answering.has_begun:
            answering.body = answering.deadline = None
            await answer(scope, receive, answering)

    async def _own_answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The door's own answer; None if the request is let through. Raises RefusedError."""
        headers, path = Headers(scope=scope), scope["path"]
        check_address(scope, headers, self._names)
        if path == HEALTH:
            return Response("alive\n", media_type="text/plain")
        if path in PATHS:
            return await self._sign_in.answer(scope, receive, headers)
        visitor = self._access.visitor(headers)
        if visitor is None:
            return self._invited(scope, headers)
        check_token(scope, headers, visitor)
        if announces_too_much(headers, MOST_BYTES):
            raise _too_large()
        scope[_VISITOR] = visitor
        return None

    def _invited(self, scope: Scope, headers: Headers) -> Response:
        is_page = scope["method"] in ("GET", "HEAD") and not scope["path"].startswith(API)
        if is_page and "text/html" in headers.get("accept", ""):
            invitation = self._sign_in.invitation(scope, headers)
            if invitation is not None:
                return invitation
        raise RefusedError(
            401, "key", "Sign in, or send a valid API key in the header x-api-key.", {"WWW-Authenticate": "Bearer"}
        )

    async def _pass(self, scope: Scope, receive: Receive, answering: "_Answering") -> None:
        body = answering.body = LimitedBody(receive, MOST_BYTES)
        has_body = Headers(scope=scope).get("content-length", "0") != "0" or "transfer-encoding" in Headers(scope=scope)
        deadline = answering.deadline = asyncio.timeout(ANSWER_SECONDS + (BODY_SECONDS if has_body else 0))
        try:
            async with deadline:
                await self._app(scope, body, answering)
        except TooLargeError as error:
            raise _too_large() from error
        except TooSlowError as error:
            raise RefusedError(
                408, "too_slow", f"Nothing arrived for {SILENT_SECONDS:g} s.", {"Connection": "close"}
            ) from error
        except _StoppedError:
            _log.info("A client has stopped reading an answer.")
        except TimeoutError as error:
            if deadline.expired():
                raise RefusedError(503, "too_slow", "The answer takes too long: try again.") from error
            raise


class _Answering:
    """An ASGI `send` that adds headers, and gives up a client that does not read.

    It raises the failure of the `body` instead of beginning an answer: the application may have taken it for another
    error.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False
        self.body: LimitedBody | None = None
        self.deadline: asyncio.Timeout | None = None

    async def __call__(self, message: Message) -> None:
        if not self.has_begun:
            if self.body is not None and self.body.failure is not None:
                raise self.body.failure
            self.has_begun = True
            add_headers(message)
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._send(message)
        except TimeoutError:
            raise _StoppedError from None
        if self.deadline is not None:
            self.deadline.reschedule(None)
            self.deadline = None


def _too_large() -> RefusedError:
    return RefusedError(413, "too_large", f"The body may have up to {MOST_BYTES:,} bytes.", {"Connection": "close"})


def visitor_of(scope: Scope) -> Visitor:
    """Who sends a request that the door has let through."""
    visitor: Visitor = scope[_VISITOR]
    return visitor
