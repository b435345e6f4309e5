"""The proxy itself: an HTTP application that passes permitted requests on to the Docker engine."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from image_pipeline.containers.rules import (
    API_VERSION,
    RUN_ID_LABEL,
    RUN_LABEL,
    RefusedError,
    Request,
    RunRules,
    understand,
)
from image_pipeline.terminal import escaped

_MOST_BYTES = 1 << 20
_ENGINE_SECONDS = 60.0
_KEEP = timedelta(hours=1)
"""How long the container of a run is kept after its end: its state says why it was killed."""

_API = f"/v{API_VERSION}/containers"

_log = logging.getLogger(__name__)


class DockerProxy:
    """Answers requests to the engine at `transport` by the rules; without `may_launch`, runs can only be stopped."""

    def __init__(self, rules: RunRules, transport: httpx.AsyncBaseTransport, may_launch: bool) -> None:
        self._rules, self._may_launch = rules, may_launch
        # a run may be given minutes to stop
        timeout = httpx.Timeout(_ENGINE_SECONDS, read=None)
        self._engine = httpx.AsyncClient(transport=transport, base_url="http://docker", timeout=timeout)

    @property
    def app(self) -> Starlette:
        """The application."""
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=methods)])

    async def _answer(self, http: HttpRequest) -> Response:
        raw = http.scope.get("raw_path") or http.scope["path"].encode()
        path, query = raw.decode("latin-1"), http.scope["query_string"].decode("latin-1")
        try:
            request = understand(http.method, path, query, self._may_launch)
            return await self._pass_on(request, http)
        except RefusedError as refused:
            _log.warning("Refused: %s", str(refused)[:500])
            return _message(403, f"The proxy of the Docker engine refuses this: {refused}")
        except httpx.HTTPError as error:
            _log.warning("The Docker engine does not answer: %r", error)
            return _message(502, f"The Docker engine does not answer ({type(error).__name__}): is it running?")

    async def _pass_on(self, request: Request, http: HttpRequest) -> Response:
        if request.action in ("ping", "version"):
            return _copy(await self._engine.get("/_ping" if request.action == "ping" else "/version"))
        if request.action == "create":
            container = self._rules.container(await _body(http))
            await self._delete_old()
            _log_action("create", container["Labels"])
            return _copy(await self._engine.post(f"{_API}/create", json=container))
        path = f"{_API}/{request.container}"
        described = await self._engine.get(f"{path}/json")
        if not described.is_success:
            return _copy(described)
        if not self._rules.is_run(described.json()):
            raise RefusedError(f"the container {request.container[:12]} is not that of a run.")
        if request.action == "json":
            return _copy(described)
        query = {"t": request.seconds} if request.seconds else {}
        _log_action(request.action, described.json()["Config"]["Labels"])
        return _copy(await self._engine.post(f"{path}/{request.action}", params=query))

    async def _delete_old(self) -> None:
        """Delete the containers of runs that ended long ago. The engine's own pruning goes by their creation."""
        filters = {"label": [f"{RUN_LABEL}={self._rules.label}"], "status": ["created", "exited", "dead"]}
        listed = await self._engine.get(f"{_API}/json", params={"all": "1", "filters": json.dumps(filters)})
        before = datetime.now(UTC) - _KEEP
        for one in listed.json() if listed.is_success else ():
            if one["Created"] < before.timestamp():
                described = await self._engine.get(f"{_API}/{one['Id']}/json")
                if described.is_success and _ended_at(described.json()) < before:
                    await self._engine.delete(f"{_API}/{one['Id']}")


def _log_action(action: str, labels: Mapping[str, str]) -> None:
    _log.info("%s: the container of run %s", action, escaped(labels.get(RUN_ID_LABEL, "without an id")))


def _ended_at(described: Mapping[str, Any]) -> datetime:
    """When a container ended. The engine gives nanoseconds, of which Python reads microseconds."""
    return datetime.fromisoformat(described["State"]["FinishedAt"][:19] + "+00:00")


async def _body(http: HttpRequest) -> bytes:
    received = b""
    async for part in http.stream():
        received += part
        if len(received) > _MOST_BYTES:
            raise RefusedError(f"the body has more than {_MOST_BYTES} bytes.")
    return received


def _copy(answer: httpx.Response) -> Response:
    headers = {name: answer.headers[name] for name in ("api-version", "ostype") if name in answer.headers}
    return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))


def _message(status: int, message: str) -> JSONResponse:
    body: dict[str, Any] = {"message": message}
    return JSONResponse(body, status)
