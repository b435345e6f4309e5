"""What one request may take of the server: bytes, and time, however the application takes its failures."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, UploadFile
from starlette.types import ASGIApp, Message

from image_pipeline.api_keys import Keys
from image_pipeline.http_problem import add_problem_handlers
from image_pipeline.storage.sessions import Sessions
from image_pipeline.web.door import door as doors
from image_pipeline.web.door.access import Access
from image_pipeline.web.door.door import MOST_BYTES, Door

BLOCK = bytes(1 << 20)


def application() -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)

    @app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/upload")
    async def upload(file: UploadFile) -> int:
        return len(await file.read())

    @app.post("/asleep")
    async def asleep() -> None:
        await asyncio.sleep(60)

    return app


@pytest.fixture
def app(tmp_path: Path) -> ASGIApp:
    return Door(application(), Access(Keys(), None, Sessions(tmp_path / "sessions.sqlite")), ["localhost"])


def asked(
    app: ASGIApp,
    path: str,
    blocks: Iterable[bytes],
    content_type: bytes = b"application/octet-stream",
    receive: "Callable[[], Awaitable[Message]] | None" = None,
    send: "Callable[[Message], Awaitable[None]] | None" = None,
) -> tuple[int, Any]:
    """The status and the content of the answer to a POST with a body in blocks of unannounced length."""
    waiting = iter(blocks)
    answer: list[Message] = []

    async def next_block() -> Message:
        block = next(waiting, None)
        return {"type": "http.request", "body": block or b"", "more_body": block is not None}

    async def note(message: Message) -> None:
        answer.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", content_type)]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "root_path": "", "headers": headers}
    asyncio.run(app(scope, receive or next_block, send or note))  # type: ignore[arg-type]
    return answer[0]["status"], json.loads(b"".join(message.get("body", b"") for message in answer[1:]))


def test_a_body_of_the_permitted_size_is_read(app: ASGIApp) -> None:
    assert asked(app, "/read", [BLOCK] * (MOST_BYTES // len(BLOCK))) == (200, MOST_BYTES)


@pytest.mark.parametrize("path", ["/read", "/upload"])
def test_a_body_that_turns_out_too_large_is_refused(app: ASGIApp, path: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    blocks = [head, *[BLOCK] * (2 + MOST_BYTES // len(BLOCK))]
    status, content = asked(app, path, blocks, b"multipart/form-data; boundary=x")
    assert (status, content["error"]["code"]) == (413, "too_large")


def test_a_client_that_stops_sending_is_told_so(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_pipeline.http_body.SILENT_SECONDS", 0.05)

    async def silent() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    status, content = asked(app, "/read", [], receive=silent)
    assert (status, content["error"]["code"]) == (408, "too_slow")


def test_an_answer_that_takes_too_long_is_given_up(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "ANSWER_SECONDS", 0.05)
    status, content = asked(app, "/asleep", [])
    assert (status, content["error"]["code"]) == (503, "too_slow")


def test_a_client_that_does_not_read_is_left(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "READ_SECONDS", 0.05)
    begun: list[Message] = []

    async def full(message: Message) -> None:
        begun.append(message)
        await asyncio.sleep(60)

    with pytest.raises(IndexError):  # there is no answer
        asked(app, "/read", [], send=full)
    assert len(begun) == 1
