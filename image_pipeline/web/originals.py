"""`GET /originals/{id}`: the file of a photograph as it is in the library, whole or in part."""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from image_pipeline.errors import LibraryError, SettingsError
from image_pipeline.files.status import FileStatus
from image_pipeline.http_problem import RefusedError, failures
from image_pipeline.schema.formats import ImageFormat, sniff
from image_pipeline.services.indexed_files import IndexedFiles
from image_pipeline.web.byte_range import OutsideError, wanted_range
from image_pipeline.web.disposition import disposition

_SHOWN = {
    ImageFormat.JPEG: "image/jpeg",
    ImageFormat.PNG: "image/png",
    ImageFormat.WEBP: "image/webp",
    ImageFormat.GIF: "image/gif",
    ImageFormat.AVIF: "image/avif",
}
"""The formats that browsers show, and that can hold nothing that they would execute."""

_STORED = "application/octet-stream"
_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
_BLOCK_BYTES = 256 << 10
_THREADS = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """The headers of a request that say which part of a file is wanted, and which version a client has."""

    range: str | None
    if_range: str | None
    if_none_match: str | None
    is_head: bool


class Originals:
    """The originals of the indexed files."""

    def __init__(self, files: IndexedFiles) -> None:
        self._files = files
        # threads of their own: a library on a disk that does not answer holds up nothing else
        self._limiter = CapacityLimiter(_THREADS)

    async def answer(self, identity: str, asked: Asked) -> Response:
        """The file of the point with this id. Raises RefusedError if there is none, or the range lies outside it."""
        path = await run_sync(self._files.path, identity, limiter=self._limiter)
        if path is None:
            raise RefusedError(404, "no_photograph", "There is no photograph with this id.")
        try:
            file = await run_sync(self._files.open, path, limiter=self._limiter)
        except (LibraryError, SettingsError) as error:
            raise RefusedError(503, "no_library", str(error)) from error
        if file is None:
            raise RefusedError(404, "no_original", "The original is not in the library, or cannot be read.")
        try:
            return await run_sync(self._answer, file, path, asked, limiter=self._limiter)
        except OSError as error:
            file.close()
            raise RefusedError(503, "failed", f"The original cannot be read ({error.strerror}).") from error
        except BaseException:
            file.close()
            raise

    def _answer(self, file: BinaryIO, path: str, asked: Asked) -> Response:
        status = FileStatus.of(os.fstat(file.fileno()))
        tag = f'"{status.size_bytes:x}-{status.mtime_ns & (1 << 64) - 1:x}-{status.ctime_ns & (1 << 64) - 1:x}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, no-cache",
            "Accept-Ranges": "bytes",
            "Content-Security-Policy": _POLICY,
        }
        if asked.if_none_match is not None and (tag in asked.if_none_match or asked.if_none_match.strip() == "*"):
            file.close()
            return Response(status_code=304, headers=headers)
        media_type = _SHOWN.get(sniff(file) or ImageFormat.RAW)
        headers["Content-Disposition"] = disposition(path.rpartition("/")[2], media_type is not None)
        # a date in If-Range never matches: the whole file is always right
        is_same = asked.if_range is None or asked.if_range.strip() == tag
        try:
            part = wanted_range(asked.range, status.size_bytes) if is_same else None
        except OutsideError as error:
            outside = {"Content-Range": f"bytes */{status.size_bytes}"}
            raise RefusedError(416, "range", f"The file has {status.size_bytes} bytes.", outside) from error
        sent = range(status.size_bytes) if part is None else part
        headers["Content-Length"] = str(len(sent))
        if part is not None:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{status.size_bytes}"
        blocks = _blocks(file, status, range(0) if asked.is_head else sent, self._limiter)
        return _FileAnswer(file, blocks, 200 if part is None else 206, headers, media_type or _STORED)


class _FileAnswer(StreamingResponse):
    """Sends a part of an open file, and closes it.

    If the file changes meanwhile, the answer ends before its length, so that nobody takes a mixture for the file.
    """

    def __init__(
        self, file: BinaryIO, blocks: AsyncIterator[bytes], code: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(blocks, code, headers, media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except _ChangedError:
            _log.warning("A file of the library changed, or cannot be read to its end: an answer ends early.")
        finally:
            self._file.close()


class _ChangedError(Exception):
    """The file is no longer the one that the answer has begun with, or cannot be read to its end."""


async def _blocks(file: BinaryIO, status: FileStatus, sent: range, limiter: CapacityLimiter) -> AsyncIterator[bytes]:
    for at in range(sent.start, sent.stop, _BLOCK_BYTES):
        length = min(_BLOCK_BYTES, sent.stop - at)
        yield await run_sync(_block, file, status, at, length, limiter=limiter)


def _block(file: BinaryIO, status: FileStatus, at: int, length: int) -> bytes:
    try:
        block = os.pread(file.fileno(), length, at)
    except OSError as error:
        raise _ChangedError from error
    now = FileStatus.of(os.fstat(file.fileno()))
    # not its ctime: that changes, too, when another file takes its name, or a backup links to it
    if len(block) != length or (now.size_bytes, now.mtime_ns) != (status.size_bytes, status.mtime_ns):
        raise _ChangedError
    return block


def originals_router(originals: Originals) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["files"])
    described: dict[int | str, dict[str, Any]] = {
        200: {"content": {kind: {} for kind in (*_SHOWN.values(), _STORED)}},
        206: {"description": "A part of the file."},
        304: {"description": "The client has it."},
        416: {"description": "The file has no such part."},
        **failures(401, 404, 416, 422, 503),
    }

    @router.head("/originals/{id}", response_class=Response, responses=described)
    @router.get("/originals/{id}", response_class=Response, responses=described)
    async def original(
        request: Request,
        id: UUID,  # noqa: A002 (the name of the parameter in the address)
        wanted: Annotated[str | None, Header(alias="Range")] = None,
        if_range: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The file of a photograph, unchanged. Browsers show JPEG, PNG, WebP, GIF and AVIF, and store the others."""
        return await originals.answer(str(id), Asked(wanted, if_range, if_none_match, request.method == "HEAD"))

    return router
