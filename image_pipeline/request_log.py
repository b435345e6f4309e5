"""The log of a server's requests: a line for each, with the correlation id of the caller."""

import logging
import time
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.correlation import HEADER, answering
from image_pipeline.terminal import escaped

_FAILED = 400

_log = logging.getLogger(__name__)


class RequestLog:
    """ASGI middleware that logs each request to `app` when it is answered, except those to `quiet_paths`.

    Of paths below `quiet_folders`, from which a page fetches hundreds of files, only failures are logged.

    The answer has the correlation id in its header, so that a caller who sent none can ask for the log of this request.
    """

    def __init__(self, app: ASGIApp, quiet_paths: Collection[str] = (), quiet_folders: tuple[str, ...] = ()) -> None:
        self._app, self._quiet_paths, self._quiet_folders = app, quiet_paths, quiet_folders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through."""
        if scope["type"] != "http" or scope["path"] in self._quiet_paths:
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(raw=message["headers"])[HEADER] = identifier
            await send(message)

        with answering(Headers(scope=scope).get(HEADER)) as identifier:
            try:
                await self._app(scope, receive, noted)
            finally:
                if not 0 < status < _FAILED or not scope["path"].startswith(self._quiet_folders):
                    _log.info(
                        "%s %s: %s",
                        scope["method"],
                        escaped(scope["path"]),
                        status or "no answer",
                        extra={"request_id": identifier, "seconds": round(time.perf_counter() - began, 4)},
                    )
