"""Answers of an HTTP API that are no success: a status, a code for programs, and a sentence for people."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Match

from image_pipeline.errors import PipelineError

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Problem(BaseModel):
    """Why a request, or a part of it, failed: a code for programs, and a sentence for people."""

    model_config = ConfigDict(extra="forbid")

    code: str
    message: str


class Failure(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(extra="forbid")

    error: Problem


class RefusedError(Exception):
    """A request that is answered with `status`, a code and a sentence."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def failures(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The description of answers with these statuses, for OpenAPI."""
    return {code: {"model": Failure, "description": HTTPStatus(code).phrase} for code in codes}


def problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """The answer with this status, code and sentence."""
    content = Failure(error=Problem(code=code, message=message)).model_dump()
    return JSONResponse(content, status, headers)


def add_problem_handlers(app: FastAPI) -> None:
    """Let `app` answer all errors with a `Failure`.

    A PipelineError is 503 if the same request may succeed a little later, else 500. Of an unexpected error, the log
    says more than the answer.
    """

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> Response:
        return problem(error.status, error.code, error.message, error.headers)

    @app.exception_handler(PipelineError)
    async def failed(_: Request, error: PipelineError) -> Response:
        return problem(503 if error.transient else 500, "failed", str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        return problem(422, "invalid", f"The request is not valid ({where}: {first['msg']}).")

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> Response:
        return problem(500, "failed", "The service has failed at this request: its log says why.")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed(app, request))
        return problem(error.status_code, "refused", f"{error.detail}.", headers)


def _allowed(app: FastAPI, request: Request) -> Iterator[str]:
    """The methods that a path has: Starlette names those of the first of its routes only."""
    for method in _METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in app.router.routes):
            yield method
