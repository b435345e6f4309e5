"""Search by words or by a picture: the nearest photographs in the collection."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import KeptConnection
from image_pipeline.collection.qdrant import SearchedVersion
from image_pipeline.collection.query import Hit, SearchFilter
from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.errors import CollectionError, PipelineError
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.storage.tensors import create_tensor_files, read_tensors


class Search:
    """Searches the collection of `settings`; a context manager.

    The embedding model is loaded at the first query and kept. The connection is kept, too, if Qdrant is shared.
    """

    def __init__(self, settings: Settings, address: QdrantAddress) -> None:
        self._settings = settings
        self._qdrant = KeptConnection(address, settings.collection)
        self._known: tuple[SearchedVersion, Inference] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._qdrant.close()

    def by_words(self, words: str, limit: int, search_filter: SearchFilter) -> list[Hit]:
        """The `limit` photographs nearest to a text, best first. Raises as `by_picture` does."""
        return self._search(lambda inference: inference.embed_texts([words])[0], limit, search_filter)

    def by_picture(self, file: Path, limit: int, search_filter: SearchFilter) -> list[Hit]:
        """The `limit` photographs nearest to a picture, best first.

        Raises PipelineError if the picture cannot be decoded, CollectionError if there is no collection or Qdrant
        refuses, ServiceUnavailableError if it does not answer, ModelError if the model cannot be fetched or loaded.
        """
        return self._search(lambda inference: self._embed_picture(inference, file), limit, search_filter)

    def _embed_picture(self, inference: Inference, file: Path) -> np.ndarray:
        with tempfile.TemporaryDirectory(prefix="image-pipeline-") as directory:
            outputs = create_tensor_files(Path(directory) / "query", [inference.embedding_producer.input], 1)
            with WorkerPool(Wiring(self._settings).limits, 1) as pool:
                outcome = next(iter(pool.decode([DecodeTask("query", os.fspath(file), 0, None)], outputs)))
            if isinstance(outcome, DecodeFailure):
                raise PipelineError(
                    f"{file} cannot be read as a picture ({outcome.reason}: {outcome.message}): give the path of a "
                    "different one."
                )
            images = read_tensors(Path(directory) / "query", inference.embedding_producer.input, [0])[0:1]
        vector: np.ndarray = inference.embed_images(images)[0]
        return vector

    def _search(self, embed: Callable[[Inference], np.ndarray], limit: int, search_filter: SearchFilter) -> list[Hit]:
        """Search the version whose model embeds the query; start over once if that version is replaced meanwhile."""

        def ask() -> list[Hit]:
            version, inference = self._version()
            vector = embed(inference)
            with self._qdrant.connect() as qdrant:
                return qdrant.points(version.name).nearest(vector.tolist(), limit, search_filter)

        return again_if_replaced(ask)

    def _version(self) -> tuple[SearchedVersion, Inference]:
        """The version that is searched now, and the models that made it: the next version may be from other models."""
        known = self._known
        with self._qdrant.connect() as qdrant:
            if known is not None and known[0].name == qdrant.alias_target():
                return known
            version = qdrant.searched_version()
        self._known = known = version, inference_for(version, self._settings)
        return known


def inference_for(version: SearchedVersion, settings: Settings) -> Inference:
    """The models that made `version`: those in the settings, or, if they differ, the model that the version names.

    Nothing is fetched for the models in the settings, which may never have been used so far. Raises CollectionError if
    the model that the version names has changed since, ModelError if it cannot be fetched or read.
    """
    configured = Wiring(settings).models
    if configured.is_configured_here and str(configured.embedding_producer) == version.producer:
        return configured
    named = load_inference(f"{version.model},none", version.dtype, settings.home)
    if str(named.embedding_producer) != version.producer:
        raise CollectionError(
            f"The collection was made with {version.producer}, and {version.model} is a different model now: "
            "ingest the library again."
        )
    return named
