"""The page below a prefix of the path: behind a gateway that serves other things under the same name."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class WithoutPrefix:
    """ASGI middleware: `app` gets paths without `prefix`, such as `/dagster`; other paths are not found."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            await self._app({**scope, "path": path.removeprefix(self._prefix) or "/"}, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(f"The page is at {self._prefix}.\n", 404)(scope, receive, send)


class WithPrefix:
    """ASGI middleware: `app`, which expects `prefix` in its paths, gets paths that have lost it."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, "path": self._prefix + scope["path"]}
        await self._app(scope, receive, send)
