"""Search in the collection: by words, by a picture or by filters alone; and the values of its fields."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import KeptConnection
from image_pipeline.collection.hits import Hit, Sort, by_date
from image_pipeline.collection.lookups import Unmatched
from image_pipeline.collection.qdrant import SearchedVersion
from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.errors import CollectionError, PipelineError
from image_pipeline.files.names import to_text
from image_pipeline.files.open_file import LibraryFile
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.inference.calibration import cut_factor
from image_pipeline.schema.payload import PayloadField
from image_pipeline.services.relevance import RelevanceCut
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.storage.tensors import create_tensor_files, read_tensors

Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer:
    """The hits of a search. `unmatched` are the texts of its filter that no photograph matches.

    `left_out` is the number of hits that are missing because they are not close to the words. `is_calibrated` is False
    if a model made the scores for which it is not known which of them are close.
    """

    hits: list[Hit]
    unmatched: list[Unmatched]
    left_out: int = 0
    is_calibrated: bool = True

    def without_distant(self) -> Self:
        """The same without the hits that are not close."""
        close = [hit for hit in self.hits if hit.close is not False]
        return replace(self, hits=close, left_out=len(self.hits) - len(close))


@dataclass(frozen=True)
class FacetAnswer:
    """The values of a field, the most frequent first, with the number of files that have each.

    `unmatched` are the texts of the filter that no photograph matches.
    """

    counts: dict[str | int, int]
    unmatched: list[Unmatched]


class Search:
    """Searches the collection of `settings`; a context manager.

    The embedding model is loaded at the first query and kept. The connection is kept, too, if Qdrant is shared.
    """

    def __init__(self, settings: Settings, address: QdrantAddress) -> None:
        self._settings = settings
        self._qdrant = KeptConnection(address, settings.collection)
        self._known: tuple[SearchedVersion, Inference] | None = None
        self._cut = RelevanceCut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._qdrant.close()

    def by_words(
        self,
        words: str,
        limit: int,
        search_filter: SearchFilter,
        sort: Sort = Sort.RELEVANCE,
        only_close: bool = True,
    ) -> Answer:
        """The `limit` best photographs for a text, best first, or in the order of `sort`.

        They are found by their pictures and by their own words (see `VersionPoints.fused`). Those that are not close to
        the text are left out, unless `only_close` is False. Nothing is left out if the model is not calibrated or the
        collection is small. Raises as `by_picture`.
        """

        def find(points: VersionPoints, inference: Inference, vector: np.ndarray) -> list[Hit]:
            cut = self._cut.of(points.name, inference, vector, points.sample)
            return points.fused(vector.tolist(), words, limit, search_filter, cut)

        answer = self._found(lambda inference: self._cut.embed(inference, words), find, search_filter, sort)
        return answer.without_distant() if only_close else answer

    def by_picture(
        self, file: Path | LibraryFile, limit: int, search_filter: SearchFilter, sort: Sort = Sort.RELEVANCE
    ) -> Answer:
        """The `limit` photographs nearest to a picture, best first, or in the order of `sort`.

        Raises PipelineError if the picture cannot be decoded, CollectionError if there is no collection or Qdrant
        refuses, ServiceUnavailableError if it does not answer, ModelError if the model cannot be fetched or loaded.
        """
        return self._found(
            lambda inference: self._embed_picture(inference, file),
            lambda points, inference, vector: points.nearest(vector.tolist(), limit, search_filter),
            search_filter,
            sort,
        )

    def by_filter(self, limit: int, search_filter: SearchFilter, sort: Sort = Sort.NEWEST) -> Answer:
        """The `limit` newest or oldest photographs that the filter lets through; no model is loaded.

        Raises ValueError for any other order, CollectionError if there is no collection or Qdrant refuses,
        ServiceUnavailableError if it does not answer.
        """
        if sort is Sort.RELEVANCE:
            raise ValueError("Without a query, no photograph is more relevant than another.")
        return self._in_searched_version(
            lambda points: _answer(points, points.in_order_of_date(sort, limit, search_filter), search_filter)
        )

    def facet(self, field: PayloadField, search_filter: SearchFilter) -> FacetAnswer:
        """The values of a field among the files that the filter lets through. Raises as `by_filter` does."""

        def ask(points: VersionPoints) -> FacetAnswer:
            counts = points.facet(field, search_filter)
            return FacetAnswer(counts, _unmatched(points, bool(counts), search_filter))

        return self._in_searched_version(ask)

    def _embed_picture(self, inference: Inference, file: Path | LibraryFile) -> np.ndarray:
        named, source = (file, os.fspath(file)) if isinstance(file, Path) else (to_text(file.path), file)
        with tempfile.TemporaryDirectory(prefix="image-pipeline-") as directory:
            outputs = create_tensor_files(Path(directory) / "query", [inference.embedding_producer.input], 1)
            with WorkerPool(Wiring(self._settings).limits, 1) as pool:
                outcome = next(iter(pool.decode([DecodeTask("query", source, 0, None)], outputs)))
            if isinstance(outcome, DecodeFailure):
                raise PipelineError(
                    f"{named} cannot be read as a picture ({outcome.reason}: {outcome.message}): give the path of a "
                    "different one."
                )
            images = read_tensors(Path(directory) / "query", inference.embedding_producer.input, [0])[0:1]
        vector: np.ndarray = inference.embed_images(images)[0]
        return vector

    def _found(
        self,
        embed: Callable[[Inference], np.ndarray],
        find: Callable[[VersionPoints, Inference, np.ndarray], list[Hit]],
        search_filter: SearchFilter,
        sort: Sort,
    ) -> Answer:
        """Search the version whose model embeds the query; start over once if that version is replaced meanwhile."""

        def ask() -> Answer:
            version, inference = self._version()
            vector = embed(inference)
            with self._qdrant.connect() as qdrant:
                points = qdrant.points(version.name)
                hits = find(points, inference, vector)
                answer = _answer(points, hits if sort is Sort.RELEVANCE else by_date(hits, sort), search_filter)
                return replace(answer, is_calibrated=cut_factor(inference.embedding_producer) is not None)

        return again_if_replaced(ask)

    def _in_searched_version(self, ask: Callable[[VersionPoints], Found]) -> Found:
        """The result of `ask` for the version that is searched now; once more if it is replaced meanwhile."""

        def connect_and_ask() -> Found:
            with self._qdrant.connect() as qdrant:
                return ask(qdrant.points(qdrant.searched_version().name))

        return again_if_replaced(connect_and_ask)

    def _version(self) -> tuple[SearchedVersion, Inference]:
        """The version that is searched now, and the models that made it: the next version may be from other models."""
        known = self._known
        with self._qdrant.connect() as qdrant:
            if known is not None and known[0].name == qdrant.alias_target():
                return known
            version = qdrant.searched_version()
        self._known = known = version, inference_for(version, self._settings)
        return known


def _answer(points: VersionPoints, hits: list[Hit], search_filter: SearchFilter) -> Answer:
    return Answer(hits, _unmatched(points, bool(hits), search_filter))


def _unmatched(points: VersionPoints, is_found: bool, search_filter: SearchFilter) -> list[Unmatched]:
    """If something is found, only a text that is excluded, or one of several, can have matched nothing."""
    is_certain = not (search_filter.not_keywords or search_filter.any_of or search_filter.none_of)
    return [] if is_found and is_certain else points.unmatched(search_filter)


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
