"""Connections of clients: limits of what they may send before a request is complete, which the server lacks."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
"""How long a client may take to send the address and headers of a request, in s."""

MOST_HEAD_BYTES = 64 << 10
"""The most bytes of the address and headers of a request, to within one packet."""


class Connection(HttpToolsProtocol):
    """A connection that is closed if a client takes too long, or too many bytes, until its headers are complete."""

    _waiting: asyncio.TimerHandle | None = None
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request; for the others, the server has its own limit."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, unless the headers become too long."""
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._is_in_head else 0
        if self._head_bytes > MOST_HEAD_BYTES:
            self._is_in_head = False
            self.send_400_response("The address or the headers are too long.")

    def on_message_begin(self) -> None:
        """Begin to wait for the headers."""
        super().on_message_begin()
        self._is_in_head = True
        if self._waiting is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Stop waiting."""
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
