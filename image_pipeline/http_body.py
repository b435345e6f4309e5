"""Limits of what a client sends: the bytes of a body, and the time in which nothing of it arrives."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive

SILENT_SECONDS = 30.0
"""How long a client may send nothing, in s, while its body is incomplete."""

_LENGTH_DIGITS = 20


class TooLargeError(Exception):
    """The body of a request has more bytes than are permitted."""


class TooSlowError(Exception):
    """Nothing of a request's body has arrived for too long."""


def announces_too_much(headers: Headers, most_bytes: int) -> bool:
    """Whether `Content-Length` is more than `most_bytes`, or no number."""
    length = headers.get("content-length", "0")
    return not length.isdecimal() or len(length) > _LENGTH_DIGITS or int(length) > most_bytes


class LimitedBody:
    """An ASGI `receive` of a request whose body may have up to `most_bytes`.

    Raises TooLargeError or TooSlowError where the application asks for more of the body. `failure` is that error
    afterwards: the application may have caught it.
    """

    failure: TooLargeError | TooSlowError | None = None

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive, self._most_bytes = receive, most_bytes
        self._received, self._is_complete = 0, False

    async def __call__(self) -> Message:
        """The next message of the client."""
        if self._is_complete:  # only the end of the connection can follow
            return await self._receive()
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                message = await self._receive()
        except TimeoutError as error:
            self.failure = TooSlowError()
            raise self.failure from error
        self._received += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._received > self._most_bytes:
            self.failure = TooLargeError()
            raise self.failure
        return message
