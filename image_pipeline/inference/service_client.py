"""A client of the inference service: sends images and texts, checks what comes back, and waits while it is busy."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import numpy as np

from image_pipeline.correlation import HEADER, correlation_id
from image_pipeline.errors import ModelError
from image_pipeline.inference.captioner import Caption
from image_pipeline.inference.wire import (
    CAPABILITIES,
    CAPTION,
    EMBED,
    JSON,
    NPY,
    PRODUCER,
    Capabilities,
    ServedModel,
    WireError,
    capabilities_of,
    from_npy,
    to_npy,
)
from image_pipeline.settings import variable_of
from image_pipeline.terminal import in_one_line

PATIENT_SECONDS, IMPATIENT_SECONDS = 120.0, 10.0
"""How long a run, and a person, waits for a service that does not answer or is busy."""

_BUSY = frozenset({429, 502, 503, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 15.0
_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 300.0
_UNIT = 0.01

Found = TypeVar("Found")


class InferenceUnavailableError(ModelError):
    """The inference service does not answer, or is busy."""

    transient = True


@dataclass
class ServiceClient:
    """A client of the inference service at `url`.

    It waits for a service that is away or busy: for minutes with images, for seconds with texts, for which
    a person waits, and with its first question. Threads may share it. Each method raises
    InferenceUnavailableError if the service does not answer within that time, and ModelError if it refuses the key,
    answers what is not in the protocol, or has other models than it had before.
    """

    url: str
    key: str | None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._capabilities: Capabilities | None = None
        headers = {} if self.key is None else {"x-api-key": self.key}
        timeout = httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)
        self._http.event_hooks = {"request": [_identify]}

    @property
    def capabilities(self) -> Capabilities:
        """What the service offers, asked once."""
        with self._lock:
            if self._capabilities is None:
                answer = self._answer(IMPATIENT_SECONDS, lambda: self._http.get(CAPABILITIES))
                self._capabilities = self._understood(lambda: capabilities_of(_json(answer)))
            return self._capabilities

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of texts: float32 `[n, d]`, of unit length."""
        served, most = self.capabilities.embedder, self.capabilities.limits.texts
        parts = [texts[start : start + most] for start in range(0, len(texts), most)]
        vectors = [self._embed_texts(served, part) for part in parts]
        return np.concatenate(vectors) if vectors else np.empty((0, served.producer.dimension or 0), np.float32)

    def _embed_texts(self, served: ServedModel, texts: Sequence[str]) -> np.ndarray:
        limit = self.capabilities.limits.text_characters
        body = json.dumps({"texts": [text[:limit].encode("utf-8", "replace").decode() for text in texts]})
        answer = self._answer(
            IMPATIENT_SECONDS, lambda: self._http.post(EMBED, content=body, headers={"content-type": JSON})
        )

        def read() -> np.ndarray:
            content = _json(answer)
            self._check_producer(served, content.get("producer"))
            return _checked(np.array(content["vectors"], np.float32), served, len(texts))

        return self._understood(read)

    def embed(self, images: np.ndarray) -> np.ndarray:
        """The vectors of images, uint8 `[n, 3, height, width]`: float32 `[n, d]`, of unit length."""
        served = self.capabilities.embedder
        headers = {"content-type": NPY, "accept": NPY}
        body = to_npy(images)
        answer = self._answer(PATIENT_SECONDS, lambda: self._http.post(EMBED, content=body, headers=headers))

        def read() -> np.ndarray:
            self._check_producer(served, answer.headers.get(PRODUCER))
            return _checked(from_npy(answer.content, np.float32, 2), served, len(images))

        return self._understood(read)

    def caption(self, images: np.ndarray) -> list[Caption]:
        """The captions of images, uint8 `[n, 3, height, width]`. Raises ModelError if the service makes none."""
        served = self.capabilities.captioner
        if served is None:
            raise ModelError(f"The inference service at {self.url} makes no captions.")
        body = to_npy(images)
        answer = self._answer(
            PATIENT_SECONDS, lambda: self._http.post(CAPTION, content=body, headers={"content-type": NPY})
        )

        def read() -> list[Caption]:
            content = _json(answer)
            self._check_producer(served, content.get("caption_producer"))
            captions = [_caption(result["caption"]) for result in content["results"]]
            if len(captions) != len(images):
                raise WireError(f"{len(captions)} captions for {len(images)} images")
            return captions

        return self._understood(read)

    def _answer(self, patience: float, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to a request, which is repeated for `patience` seconds while the service is away or busy."""
        ends_at, pause = time.monotonic() + patience, _FIRST_PAUSE
        while True:
            wanted, reason = 0.0, ""
            try:
                answer = ask()
            except httpx.TransportError as error:
                reason = f"does not answer ({_cause(error)})"
            else:
                if answer.status_code == httpx.codes.OK:
                    return answer
                if answer.status_code not in _BUSY:
                    raise self._refused(answer)
                reason = f"is not ready ({_message(answer)})"
                given = answer.headers.get("retry-after", "")
                wanted = float(given) if given.isdecimal() else 0.0
            wait = min(max(pause, wanted), _LONGEST_PAUSE)
            if time.monotonic() + wait > ends_at:
                raise InferenceUnavailableError(
                    f"The inference service at {self.url} {reason}: start it with `image-pipeline serve-models`, or "
                    f"unset {variable_of('inference_url')} to run the models in this process."
                )
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _refused(self, answer: httpx.Response) -> ModelError:
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return ModelError(
                f"The inference service at {self.url} refuses the key: give one that it accepts in "
                f"{variable_of('inference_key')} or {variable_of('inference_key_file')}."
            )
        return ModelError(
            f"The inference service at {self.url} refuses a request (status {answer.status_code}: {_message(answer)}): "
            f"check that {variable_of('inference_url')} is its address, and that it has the version of this program."
        )

    def _check_producer(self, served: ServedModel, given: object) -> None:
        if given != served.producer_text:
            raise ModelError(
                f"The inference service at {self.url} has changed its model from {served.producer_text} to {given}: "
                "start again."
            )

    def _understood(self, read: Callable[[], Found]) -> Found:
        try:
            return read()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = in_one_line(error, 200)
            raise ModelError(
                f"The inference service at {self.url} gave a wrong answer ({reason}): check that "
                f"{variable_of('inference_url')} is its address, and that it has the version of this program."
            ) from error


def _checked(vectors: np.ndarray, served: ServedModel, count: int) -> np.ndarray:
    if vectors.shape != (count, served.producer.dimension):
        raise WireError(f"vectors {list(vectors.shape)} instead of [{count}, {served.producer.dimension}]")
    if not np.isfinite(vectors).all() or (abs(np.linalg.norm(vectors, axis=1) - 1) > _UNIT).any():
        raise WireError("vectors that are not finite, or not of unit length")
    return vectors


def _caption(content: Any) -> Caption:
    text, confidence = content["text"], content["confidence"]
    if not isinstance(text, str) or not isinstance(confidence, (int, float)) or not 0 <= confidence <= 1:
        raise WireError("a caption that is none")
    return Caption(text, float(confidence))


def _identify(request: httpx.Request) -> None:
    request.headers[HEADER] = correlation_id()


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise WireError("its answer is no JSON") from error


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:200].rstrip(".")
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"


def _cause(error: httpx.TransportError) -> str:
    return in_one_line(error, 200) or type(error).__name__
