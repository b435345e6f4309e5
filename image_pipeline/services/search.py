"""Search in the collection: by words, by a picture or by filters alone; and the values of its fields."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import KeptAddress, KeptConnection
from image_pipeline.collection.dated import DatePosition
from image_pipeline.collection.hits import Hit, Sort, by_date
from image_pipeline.collection.lookups import Unmatched
from image_pipeline.collection.photographs import keys_of
from image_pipeline.collection.qdrant import SearchedVersion
from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.errors import CollectionError
from image_pipeline.files.open_file import LibraryFile
from image_pipeline.inference.calibration import cut_factor
from image_pipeline.inference.libraries import are_libraries_here
from image_pipeline.schema.payload import PayloadField
from image_pipeline.services.picture_query import embed_picture
from image_pipeline.services.question import Question, UnknownPhotographError, mean_vector
from image_pipeline.services.relevance import RelevanceCut
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.traces import SERVICE, span, start_traces

Found = TypeVar("Found")

_DECODED_AT_ONCE = 2
"""Pictures that are decoded at the same time; each takes a process, and the memory that the settings permit."""


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
    """Searches the collection of `settings`; a context manager. Several threads can use it at the same time.

    The embedding model is loaded at the first query and kept. The connection is kept, too, unless others had to wait.
    """

    def __init__(self, settings: Settings, address: QdrantAddress) -> None:
        start_traces(settings.traces, SERVICE)
        self._settings = settings
        self._qdrant = KeptConnection(address, settings.collection)
        self.address = KeptAddress(address, self._qdrant)
        self._known: tuple[SearchedVersion, Inference] | None = None
        self._cut = RelevanceCut()
        self._decoding = threading.BoundedSemaphore(_DECODED_AT_ONCE)

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
        return self.ask(
            lambda points: _answer(points, points.in_order_of_date(sort, limit, search_filter), search_filter)
        )

    def facet(self, field: PayloadField, search_filter: SearchFilter) -> FacetAnswer:
        """The values of a field among the files that the filter lets through. Raises as `by_filter` does."""

        def ask(points: VersionPoints) -> FacetAnswer:
            counts = points.facet(field, search_filter)
            return FacetAnswer(counts, _unmatched(points, bool(counts), search_filter))

        return self.ask(ask)

    def asking(self, question: Question, only_close: bool = True) -> Callable[[Collection[str], int], Answer]:
        """Asks a question, several times: for the n best photographs without those with some sha256 or pixels.

        Photographs that are not close are left out as by `by_words`, and the examples always. The query is embedded
        once for each version. Raises as `by_picture` does, and UnknownPhotographError if there is no example with an
        id.
        """
        known: dict[str, tuple[np.ndarray, frozenset[str]]] = {}

        def ask(shown: Collection[str], limit: int) -> Answer:
            version, inference = self._version()
            with self._qdrant.connect() as qdrant:
                points = qdrant.points(version.name)
                if version.name not in known:
                    known[version.name] = self._query(points, inference, question)
                vector, own = known[version.name]
                others = {*shown, *own}
                if question.is_of_words:
                    cut = self._cut.of(points.name, inference, vector, points.sample)
                    hits = points.fused(
                        vector.tolist(), question.words, limit, question.search_filter, cut, question.phrases, others
                    )
                else:
                    hits = points.nearest(vector.tolist(), limit, question.search_filter, others)
                answer = Answer(hits, []) if shown else _answer(points, hits, question.search_filter)
            answer = replace(answer, is_calibrated=cut_factor(inference.embedding_producer) is not None)
            return answer.without_distant() if only_close else answer

        return lambda shown, limit: again_if_replaced(lambda: ask(shown, limit))

    def _query(
        self, points: VersionPoints, inference: Inference, question: Question
    ) -> tuple[np.ndarray, frozenset[str]]:
        """The vector of a question, float32 `[d]`, and the sha256 and pixels of its examples."""
        examples = points.examples([*question.like, *question.unlike]) if question.like or question.unlike else {}
        for id_ in (*question.like, *question.unlike):
            if id_ not in examples:
                raise UnknownPhotographError(f"There is no photograph with the id {id_}: it may have been deleted.")
        like = [vector for id_ in question.like if (vector := examples[id_].vector) is not None]
        if question.words:
            like.append(self._cut.embed(inference, question.words))
        if question.picture is not None:
            like.append(self._embed_picture(inference, question.picture))
        unlike = [vector for id_ in question.unlike if (vector := examples[id_].vector) is not None]
        keys = frozenset(key for point in examples.values() for key in keys_of(point))
        return mean_vector(like, unlike), keys

    def page_by_date(
        self, sort: Sort, limit: int, search_filter: SearchFilter, after: DatePosition | None = None
    ) -> tuple[Answer, DatePosition | None]:
        """A page of all photographs that the filter lets through, by date, and where it ends; no model is loaded.

        See `VersionPoints.page_by_date`. Raises as `by_filter` does.
        """

        def ask(points: VersionPoints) -> tuple[Answer, DatePosition | None]:
            hits, end = points.page_by_date(sort, limit, search_filter, after)
            return Answer(hits, _unmatched(points, bool(hits) or after is not None, search_filter)), end

        return self.ask(ask)

    def count(self, search_filter: SearchFilter) -> int:
        """The exact number of files that the filter lets through. Raises as `by_filter` does."""
        return self.ask(lambda points: points.count_matching(search_filter))

    def record(self, id_: str) -> Mapping[str, Any]:
        """The payload of the point with this id.

        Raises UnknownPhotographError if there is none, and as `by_filter` does.
        """
        payload = self.ask(lambda points: points.payload_of_id(id_))
        if payload is None:
            raise UnknownPhotographError(f"There is no photograph with the id {id_}: it may have been deleted.")
        return payload

    def _embed_picture(self, inference: Inference, file: Path | LibraryFile) -> np.ndarray:
        with self._decoding:
            return embed_picture(inference, file, Wiring(self._settings).limits)

    def _found(
        self,
        embed: Callable[[Inference], np.ndarray],
        find: Callable[[VersionPoints, Inference, np.ndarray], list[Hit]],
        search_filter: SearchFilter,
        sort: Sort,
    ) -> Answer:
        """Search the version whose model embeds the query; start over once if that version is replaced meanwhile."""

        def ask() -> Answer:
            with span("find the version"):
                version, inference = self._version()
            with span("embed the query"):
                vector = embed(inference)
            with span("query"), self._qdrant.connect() as qdrant:
                points = qdrant.points(version.name)
                hits = find(points, inference, vector)
                answer = _answer(points, hits if sort is Sort.RELEVANCE else by_date(hits, sort), search_filter)
                return replace(answer, is_calibrated=cut_factor(inference.embedding_producer) is not None)

        with span("search"):
            return again_if_replaced(ask)

    def ask(self, question: Callable[[VersionPoints], Found]) -> Found:
        """The result of `question` for the version that is searched now; once more if it is replaced meanwhile.

        Raises as `by_filter` does.
        """

        def connect_and_ask() -> Found:
            with self._qdrant.connect() as qdrant:
                return question(qdrant.points(qdrant.searched_version().name))

        with span("search"):
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
    """If something is found, what is worth saying is that a text which is excluded has matched nothing."""
    excludes = search_filter.not_keywords or search_filter.none_of
    return [] if is_found and not excludes else points.unmatched(search_filter)


def inference_for(version: SearchedVersion, settings: Settings) -> Inference:
    """The models that made `version`: those in the settings, or, if they differ, the model that the version names.

    Nothing is fetched for the models in the settings, which may never have been used so far. Raises CollectionError if
    the model that the version names has changed since, ModelError if it cannot be fetched or read, or if the inference
    service does not answer.
    """
    configured = Wiring(settings).models
    is_service = not configured.uses_this_machine  # which says itself why it cannot be asked
    if (is_service or configured.is_configured_here) and str(configured.embedding_producer) == version.producer:
        return configured
    named = load_inference(f"{version.model},none", version.dtype, settings.home)
    if is_service and not are_libraries_here():
        raise CollectionError(
            f"The collection was made with {version.producer}, and the inference service has "
            f"{configured.embedding_producer}: start it with {version.model}, or ingest the library again."
        )
    if str(named.embedding_producer) != version.producer:
        raise CollectionError(
            f"The collection was made with {version.producer}, and {version.model} is a different model now: "
            "ingest the library again."
        )
    return named
