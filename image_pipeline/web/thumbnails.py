"""`GET /thumbnails/{sha256}`: the pictures of the grid, from the store, and larger ones made on demand."""

import asyncio
import errno
import os
import re
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi import Path as InPath
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from image_pipeline.errors import LibraryError, PipelineError, SettingsError
from image_pipeline.http_problem import RefusedError, failures, problem
from image_pipeline.services.large_thumbnail import (
    LargeThumbnailMaker,
    NoOriginalError,
    NotDecodedError,
    ThumbnailsBusyError,
)
from image_pipeline.storage.store import Store

_MEDIA_TYPE = "image/webp"
_SHA256 = r"^[0-9a-f]{64}$"
_CACHE = "private, max-age=31536000, immutable"  # a SHA-256 names one content for ever
_BUSY_SECONDS = 2
_MOST_BYTES = 8 << 20

_NOT_CACHED = (errno.EAGAIN, errno.EOPNOTSUPP, errno.ENOSYS)


class Size(StrEnum):
    """The most that the longer side has: 320 pixels, as all pictures have it in the store, or 1,024."""

    STORE = "store"
    LARGE = "1024"


class Thumbnails:
    """The thumbnails of a store, and of a maker of large ones."""

    def __init__(self, store: Store, maker: LargeThumbnailMaker) -> None:
        self._store, self._maker = store, maker

    async def answer(self, sha256: str, size: Size, known: str | None) -> Response:
        """The thumbnail of a picture; 304 if its tag is among `known`, those of `If-None-Match`.

        Raises RefusedError if there is none, or it cannot be made now.
        """
        tag = f'"{sha256}-{size}"'
        headers = {"ETag": tag, "Cache-Control": _CACHE}
        if known is not None and (tag in known or known.strip() == "*"):
            return Response(status_code=304, headers=headers)
        content = await self._stored(sha256) if size is Size.STORE else await self._large(sha256)
        return Response(content, media_type=_MEDIA_TYPE, headers=headers)

    async def _stored(self, sha256: str) -> bytes:
        content = await _content(self._store.thumbnail_file(sha256))
        if content is None:
            raise RefusedError(404, "no_thumbnail", "There is no thumbnail of this picture.")
        return content

    async def _large(self, sha256: str) -> bytes:
        thumbnails = self._maker.thumbnails
        content = await _content(thumbnails.path(sha256), thumbnails.used)
        if content is not None:
            return content
        try:
            # one who goes away must not take it from the others who wait for it
            path = await asyncio.shield(asyncio.wrap_future(self._maker.make(sha256)))
        except ThumbnailsBusyError as error:
            raise RefusedError(503, "busy", str(error), {"Retry-After": str(_BUSY_SECONDS)}) from error
        except (LibraryError, SettingsError) as error:
            raise RefusedError(503, "no_library", str(error)) from error
        except NoOriginalError as error:
            raise RefusedError(404, "no_original", str(error)) from error
        except NotDecodedError as error:
            raise RefusedError(422, "not_decoded", str(error)) from error
        content = await _content(path)
        if content is None:
            raise RefusedError(503, "busy", "Too many pictures are shown at once: try again.", {"Retry-After": "1"})
        return content


async def _content(path: Path, used: Callable[[Path, os.stat_result], None] | None = None) -> bytes | None:
    """The content of a file, None if there is none. Raises RefusedError if it cannot be read.

    If the system has it in memory, it is read here, since a thread takes longer than that; else by a thread, since a
    disk takes longer still.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise RefusedError(503, "failed", f"The thumbnail cannot be read ({error.strerror}).") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= _MOST_BYTES:
            return None
        if used is not None:
            used(path, status)
        content = _from_memory(descriptor, status.st_size)
        if content is None:
            content = await asyncio.to_thread(os.pread, descriptor, status.st_size, 0)
        return content
    except OSError as error:
        raise RefusedError(503, "failed", f"The thumbnail cannot be read ({error.strerror}).") from error
    finally:
        os.close(descriptor)


def _from_memory(descriptor: int, size: int) -> bytes | None:
    """The content of a file of `size` bytes; None if the system would have to wait for a disk."""
    nowait = getattr(os, "RWF_NOWAIT", 0)  # Linux
    if not nowait:
        return None
    content = bytearray(size)
    try:
        read = os.preadv(descriptor, [content], 0, nowait)
    except OSError as error:
        if error.errno in _NOT_CACHED:
            return None
        raise
    return bytes(content) if read == size else None


def thumbnails_router(thumbnails: Thumbnails) -> APIRouter:
    """The route, as it is described; `QuickThumbnails` answers it."""
    router = APIRouter(tags=["files"])

    @router.get(
        "/thumbnails/{sha256}",
        response_class=Response,
        responses={
            200: {"content": {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
            304: {"description": "The browser has it."},
            **failures(401, 404, 422, 503),
        },
    )
    async def thumbnail(
        sha256: Annotated[str, InPath(pattern=_SHA256)],
        size: Size = Size.STORE,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The thumbnail of a picture, upright, in sRGB; it never changes."""
        return await thumbnails.answer(sha256, size, if_none_match)

    return router


class QuickThumbnails:
    """ASGI middleware that answers requests for thumbnails below `prefix` itself: a grid asks for hundreds at once."""

    def __init__(self, app: ASGIApp, thumbnails: Thumbnails, prefix: str) -> None:
        self._app, self._thumbnails = app, thumbnails
        self._path = re.compile(rf"{re.escape(prefix)}/thumbnails/([0-9a-f]{{64}})")
        self._sizes = {b"": Size.STORE, **{f"size={size}".encode(): size for size in Size}}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            found = self._path.fullmatch(scope["path"])
            size = self._sizes.get(scope["query_string"])
            if found is not None and size is not None:
                try:
                    answer = await self._thumbnails.answer(found[1], size, Headers(scope=scope).get("if-none-match"))
                except RefusedError as error:
                    answer = problem(error.status, error.code, error.message, error.headers)
                except PipelineError as error:
                    answer = problem(503 if error.transient else 500, "failed", str(error))
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
