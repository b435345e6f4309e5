"""The door of the service: decides which requests reach it, and how much each may send."""

import asyncio
import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.api_keys import Keys

OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
"""Paths for which no key is needed: an orchestrator asks them."""

QUIET_PATHS = OPEN_PATHS | {"/metrics"}
"""Paths that are asked every few seconds: they are in no log and no trace."""

_SILENT_SECONDS = 30.0
_LENGTH_DIGITS = 20
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class TooLargeError(Exception):
    """The body of a request has more bytes than are permitted."""


class TooSlowError(Exception):
    """Nothing of a request's body has arrived for too long."""


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
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > _LENGTH_DIGITS or int(length) > self._most_bytes:
            await _refuse(
                send, 413, "too_large", f"The body may have up to {self._most_bytes} bytes: send fewer images."
            )
            return
        received, is_complete, has_begun = 0, False, False

        async def limited() -> Message:
            nonlocal received, is_complete
            if is_complete:  # only the end of the connection can follow
                return await receive()
            try:
                async with asyncio.timeout(_SILENT_SECONDS):
                    message = await receive()
            except TimeoutError as error:
                raise TooSlowError from error
            received += len(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            if received > self._most_bytes:
                raise TooLargeError
            return message

        async def answering(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        try:
            await self._app(scope, limited, answering)
        except TooLargeError:
            if not has_begun:
                await _refuse(send, 413, "too_large", f"The body may have up to {self._most_bytes} bytes: send less.")
        except TooSlowError:
            if not has_begun:
                await _refuse(send, 408, "too_slow", f"Nothing arrived for {_SILENT_SECONDS:g} s.")


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    headers.append((b"connection", b"close"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
