"""The embedder as an API of LitServe, whose processes import this module."""

from pathlib import Path
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Depends, Request, Response

from benchmarks.rates import make_embedder
from image_pipeline.inference.wire import EMBED, NPY, from_npy, to_npy


async def _body(request: Request) -> bytes:
    return await request.body()


class EmbeddingApi(litserve.LitAPI):  # type: ignore[misc]
    """One request is one item of a batch, so the images of several requests are joined here."""

    def __init__(self, model: Path, home: Path, **given: Any) -> None:
        super().__init__(api_path=EMBED, **given)
        self._directory, self._home = model, home

    def setup(self, device: Any) -> None:
        """Load the model."""
        self._embedder = make_embedder(self._directory, self._home)
        self._embedder.warm_up()

    def decode_request(self, request: Annotated[bytes, Depends(_body)]) -> np.ndarray:
        """The images of a request; LitServe itself would read its body as JSON."""
        return from_npy(request, np.uint8, 4)

    def batch(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """The requests of a batch, as they are."""
        return inputs

    def predict(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """The vectors of each request."""
        batches = self._embedder.embed_batches(np.concatenate(inputs))
        vectors = np.concatenate([vectors for _, vectors in batches])
        return np.split(vectors, np.cumsum([len(one) for one in inputs])[:-1])

    def unbatch(self, output: list[np.ndarray]) -> list[np.ndarray]:
        """The vectors, as they are."""
        return output

    def encode_response(self, output: np.ndarray) -> Response:
        """The answer to a request."""
        return Response(to_npy(output), media_type=NPY)
