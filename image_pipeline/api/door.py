"""The door of the service: decides which requests reach it, and how much each may send."""

import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.api_keys import Keys
from image_pipeline.http_body import SILENT_SECONDS, LimitedBody, TooLargeError, TooSlowError, announces_too_much

OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
"""Paths for which no key is needed: an orchestrator asks them."""

QUIET_PATHS = OPEN_PATHS | {"/metrics"}
"""Paths that are asked every few seconds: they are in no log and no trace."""

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class Door:
    """Refuses requests without a valid key, bodies of more than `most_bytes`, and clients that stop sending."""

    def __init__(self, app: ASGIApp, keys: Keys, most_bytes: int) -> None:
        self._app, self._keys, self._most_bytes = app, keys, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] not in OPEN_PATHS and not self._keys.accept(headers):
            await _refuse(send, 401, "key", "The API key is missing or not valid: send it in the header x-api-key.")
            return
        if announces_too_much(headers, self._most_bytes):
            await _refuse(
                send, 413, "too_large", f"The body may have up to {self._most_bytes} bytes: send fewer images."
            )
            return
        has_begun = False

        async def answering(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        try:
            await self._app(scope, LimitedBody(receive, self._most_bytes), answering)
        except TooLargeError:
            if not has_begun:
                await _refuse(send, 413, "too_large", f"The body may have up to {self._most_bytes} bytes: send less.")
        except TooSlowError:
            if not has_begun:
                await _refuse(send, 408, "too_slow", f"Nothing arrived for {SILENT_SECONDS:g} s.")


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    headers.append((b"connection", b"close"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
