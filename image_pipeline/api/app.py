"""The inference service's HTTP interface."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from fastapi import FastAPI, Request, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.types import ASGIApp

from image_pipeline.api.door import QUIET_PATHS, Door
from image_pipeline.api.metrics import Metrics
from image_pipeline.api.openapi import ARRAY_OR_FILES, FILES, TEXTS_ARRAY_OR_FILES
from image_pipeline.api.relayed_models import RelayedModels
from image_pipeline.api.replies import Health, ImageCaption, ImageResult, ImageResults, Texts, Vectors
from image_pipeline.api_keys import Keys
from image_pipeline.http_problem import Problem, RefusedError, add_problem_handlers, failures, problem
from image_pipeline.imaging.pool import DecodeFailure
from image_pipeline.inference.captioner import Caption
from image_pipeline.inference.runner import Result
from image_pipeline.inference.wire import (
    BOTH,
    CAPABILITIES,
    CAPTION,
    EMBED,
    JSON,
    MOST_HEAD_BYTES,
    MULTIPART,
    NPY,
    PRODUCER,
    Capabilities,
    ServedModel,
    WireError,
    from_npy,
    to_npy,
)
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.services.waiting import BusyError
from image_pipeline.storage.tensors import read_tensors
from image_pipeline.traces import spans_of_requests

Found = TypeVar("Found")
_CLIENT_GONE = 499
_FIELD = "images"


def create_app(service: RelayedModels, keys: Keys) -> ASGIApp:
    """The application that serves `service` to holders of `keys`."""
    app = FastAPI(
        title="image-pipeline inference",
        version="1",
        summary="Embeddings and captions of pictures, and embeddings of texts.",
        docs_url=None,  # their scripts come from another server
        redoc_url=None,
        telemetry=spans_of_requests(QUIET_PATHS),
    )
    metrics = Metrics()
    _add_errors(app)
    _add_routes(app, service, metrics)

    return Door(metrics.measured(app), keys, service.limits.body_bytes)


def _add_errors(app: FastAPI) -> None:
    add_problem_handlers(app)

    @app.exception_handler(BusyError)
    async def busy(_: Request, error: BusyError) -> Response:
        return problem(429, "busy", str(error), {"Retry-After": str(error.seconds)})


def _add_routes(app: FastAPI, service: RelayedModels, metrics: Metrics) -> None:
    @app.get("/health/live", tags=["health"])
    async def live() -> Health:
        """The process answers."""
        return Health(status="alive")

    @app.get("/health/ready", tags=["health"], responses=failures(503))
    async def ready() -> Health:
        """The models are loaded."""
        if not service.is_ready:
            raise RefusedError(503, "loading", "The models are being loaded.", {"Retry-After": "2"})
        return Health(status="ready")

    @app.get(
        "/metrics",
        tags=["health"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **failures(401)},
    )
    async def prometheus() -> Response:
        """Metrics in the text format of Prometheus."""
        found = await asyncio.wrap_future(service.figures())
        return Response(metrics.text(found), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get(CAPABILITIES, tags=["models"], responses=failures(401, 503))
    async def capabilities() -> Capabilities:
        """The models, their producers and inputs, the device, formats and limits."""
        return _capabilities(service)

    @app.post(
        EMBED,
        tags=["models"],
        response_model=Vectors | ImageResults,
        responses=failures(400, 401, 408, 413, 415, 422, 429, 503),
        openapi_extra=TEXTS_ARRAY_OR_FILES,
    )
    async def embed(request: Request) -> Any:
        """Embed texts (JSON), an array of images (`.npy`), or files of pictures in any format that is listed.

        Texts and arrays are answered by `Vectors`, arrays by an array of float32 `[n, d]` if `Accept` asks for it.
        Files are answered by `ImageResults`: one result, or one error, for each.
        """
        served = _capabilities(service).embedder
        kind = _kind(request)
        if kind == JSON:
            texts = await _texts(request, service)
            vectors = await _unless_gone(request, [service.embed_texts(texts)])
            return Vectors(producer=served.producer_text, vectors=vectors[0].tolist())
        if kind == NPY:
            found = await _of_array(request, service, served, service.embed)
            return _vectors(request, served, np.asarray(found, np.float32))
        return await _of_files(request, service, captions=None, embeddings=served)

    @app.post(
        CAPTION,
        tags=["models"],
        responses=failures(400, 401, 404, 408, 413, 415, 422, 429, 503),
        openapi_extra=ARRAY_OR_FILES,
    )
    async def caption(request: Request) -> ImageResults:
        """Caption an array of images (`.npy`) or files of pictures: one result, or one error, for each."""
        served = _captioner(service)
        if _kind(request, NPY, MULTIPART) == NPY:
            found = await _of_array(request, service, served, service.caption)
            results = [ImageResult(caption=_caption(one)) for one in found]
            return ImageResults(caption_producer=served.producer_text, results=results)
        return await _of_files(request, service, captions=served, embeddings=None)

    @app.post(
        BOTH,
        tags=["models"],
        responses=failures(400, 401, 404, 408, 413, 415, 422, 429, 503),
        openapi_extra=FILES,
    )
    async def batch_embed_and_caption(request: Request) -> ImageResults:
        """Embed and caption files of pictures, each decoded once: one result, or one error, for each."""
        served, captions = _capabilities(service).embedder, _captioner(service)
        _kind(request, MULTIPART)
        return await _of_files(request, service, captions=captions, embeddings=served)


def _capabilities(service: RelayedModels) -> Capabilities:
    if not service.is_ready:
        raise RefusedError(503, "loading", "The models are being loaded.", {"Retry-After": "2"})
    return service.capabilities


def _captioner(service: RelayedModels) -> ServedModel:
    served = _capabilities(service).captioner
    if served is None:
        raise RefusedError(404, "no_captions", "This service makes no captions: its setting of models has none.")
    return served


def _kind(request: Request, *kinds: str) -> str:
    """The media type of a request's body, one of `kinds`."""
    permitted = kinds or (JSON, NPY, MULTIPART)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in permitted:
        raise RefusedError(415, "media_type", f"The body must be one of: {', '.join(permitted)}.")
    return kind


async def _texts(request: Request, service: RelayedModels) -> list[str]:
    limits = service.limits
    try:
        texts = Texts.model_validate_json(await request.body()).texts
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise RefusedError(422, "invalid", f"The JSON is not valid ({where}: {first['msg']}).") from error
    if len(texts) > limits.texts or any(len(text) > limits.text_characters for text in texts):
        raise RefusedError(
            422, "too_many", f"Up to {limits.texts} texts of {limits.text_characters} characters may be sent at a time."
        )
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise RefusedError(422, "invalid", "A text has a character that is no part of Unicode texts.") from error
    return texts


async def _images(request: Request, served: ServedModel, service: RelayedModels, memory: memoryview) -> np.ndarray:
    """The images in the body of a request, which are in `memory` then."""
    with service.waiting.arriving():
        received = 0
        async for part in request.stream():
            if received + len(part) <= len(memory):  # else only read, so that the client gets an answer
                memory[received : received + len(part)] = part
            received += len(part)
        if received > len(memory):
            raise _other_number(service)
        try:
            images = from_npy(memory[:received], np.uint8, 4)
        except WireError as error:
            raise RefusedError(422, "invalid", f"The body is not what is expected: {error}.") from error
    spec = served.producer.input
    if images.shape[1:] != (3, spec.height, spec.width):
        raise RefusedError(
            422, "shape", f"The model takes images [n, 3, {spec.height}, {spec.width}], not {list(images.shape)}."
        )
    _check_number(len(images), service)
    return images


def _check_number(images: int, service: RelayedModels) -> None:
    if not 1 <= images <= service.limits.images:
        raise _other_number(service)


def _other_number(service: RelayedModels) -> RefusedError:
    return RefusedError(422, "too_many", f"From 1 to {service.limits.images} images may be sent at a time.")


def _vectors(request: Request, served: ServedModel, vectors: np.ndarray) -> Any:
    if NPY in request.headers.get("accept", ""):
        return Response(to_npy(vectors), media_type=NPY, headers={PRODUCER: served.producer_text})
    return Vectors(producer=served.producer_text, vectors=vectors.tolist())


async def _of_array(
    request: Request, service: RelayedModels, served: ServedModel, run: Callable[[np.ndarray], Result]
) -> Sequence[Any]:
    """The results of the images in an array, by the model that is `served`."""
    spec = served.producer.input
    most = service.limits.images * 3 * spec.height * spec.width + MOST_HEAD_BYTES
    with service.receiving(min(most, int(request.headers.get("content-length", most)))) as memory:
        images = await _images(request, served, service, memory)
        with service.waiting.taking(len(images)):
            [found] = await _unless_gone(request, [run(images)])
    results: Sequence[Any] = found
    return results


async def _of_files(
    request: Request, service: RelayedModels, captions: ServedModel | None, embeddings: ServedModel | None
) -> ImageResults:
    """The results of uploaded files: those that can be decoded go through the models that are given."""
    form = await request.form(max_files=service.limits.images + 1, max_fields=8)
    try:
        uploads = [part for name, part in form.multi_items() if name == _FIELD and isinstance(part, UploadFile)]
        if len(uploads) != len(form.multi_items()):
            raise RefusedError(422, "invalid", f"Each part of the form must be a file in the field {_FIELD!r}.")
        _check_number(len(uploads), service)
        with service.waiting.taking(len(uploads)), TemporaryDirectory(prefix="image-pipeline-") as directory:
            files = await asyncio.to_thread(_written, uploads, Path(directory))
            specs = [served.producer.input for served in (embeddings, captions) if served is not None]
            outcomes = await _unless_gone(request, service.begin_decoding(Path(directory), files, specs))
            failed = [one if isinstance(one, DecodeFailure) else None for one in outcomes]
            rows = [row for row, failure in enumerate(failed) if failure is None]
            results = [ImageResult() if one is None else ImageResult(error=_reason(one)) for one in failed]
            if rows:
                wanted: list[Result] = []
                if embeddings is not None:
                    wanted.append(service.embed(await _tensors(directory, embeddings.producer.input, rows)))
                if captions is not None:
                    wanted.append(service.caption(await _tensors(directory, captions.producer.input, rows)))
                found = await _unless_gone(request, wanted)
                if embeddings is not None:
                    for row, vector in zip(rows, found[0], strict=True):
                        results[row].vector = vector.tolist()
                if captions is not None:
                    for row, made in zip(rows, found[-1], strict=True):
                        results[row].caption = _caption(made)
    finally:
        await form.close()
    return ImageResults(
        embedding_producer=None if embeddings is None else embeddings.producer_text,
        caption_producer=None if captions is None else captions.producer_text,
        results=results,
    )


async def _tensors(directory: str, spec: InputSpec, rows: Sequence[int]) -> np.ndarray:
    return await asyncio.to_thread(lambda: read_tensors(Path(directory), spec, rows)[:])


def _written(uploads: Sequence[UploadFile], directory: Path) -> list[Path]:
    files = []
    for number, upload in enumerate(uploads):
        file = directory / str(number)
        with file.open("wb") as copy:
            while chunk := upload.file.read(1 << 20):
                copy.write(chunk)
        files.append(file)
    return files


def _reason(failure: DecodeFailure) -> Problem:
    return Problem(code=str(failure.reason), message=failure.message)


def _caption(caption: Caption) -> ImageCaption:
    return ImageCaption(**dataclasses.asdict(caption))


async def _unless_gone(request: Request, futures: Sequence[Result]) -> list[Any]:
    """What the futures result in; if the client goes away before, the work is abandoned, and nothing is answered."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    results: asyncio.Future[Any] = asyncio.gather(*(asyncio.wrap_future(future) for future in futures))
    leaving: asyncio.Future[None] = asyncio.ensure_future(gone())
    both: set[asyncio.Future[Any]] = {results, leaving}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if results.done():
            return list(await results)
        for future in futures:
            future.abandon()
        raise RefusedError(_CLIENT_GONE, "gone", "The client has gone away.")
    except CancelledError as error:
        raise RefusedError(503, "ended", "The work was ended.") from error
    finally:
        leaving.cancel()
        results.cancel()
