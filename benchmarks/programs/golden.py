"""Golden queries, by the pictures alone, by words alone, and by both: which of the known photographs are found.

The settings come from the environment. The request: captions (of the demo library, which was ingested, by path), or
photographs (how many a made library with names should have).
"""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.exchange import answer, read_request
from benchmarks.inputs.golden import Query, demo_queries
from benchmarks.inputs.named import DIMENSION, named_library
from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.hits import Hit
from image_pipeline.collection.points import Point
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.typed_words import TypedWords
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.collection.where import ANYWHERE
from image_pipeline.services.relevance import RelevanceCut
from image_pipeline.settings import load_settings
from image_pipeline.stages.models import load_inference

WAYS = ("dense", "words", "fused")
_PLACES = 10
_MATCHES = 200
"""More points than ten photographs have copies."""


def main() -> None:
    """Report, for each query: its kind, how many photographs satisfy it, and the places of those among the first ten.

    Over the demo library, also what the relevance cut leaves out.
    """
    request, settings = read_request(), load_settings()
    address = address_of(settings)
    if "photographs" in request:
        library = named_library(request["photographs"])
        version = CollectionVersion(settings.collection, "made vectors", "00000000", DIMENSION, "none", "auto")
        with address.errors_for_people(), address.engine() as engine:
            _upload(Qdrant(engine, settings.collection), version, library.points)
            points = VersionPoints(engine, version.name)
            answer(queries=[_places(one, engine, points, _vector(one)) for one in library.queries])
        return
    inference = load_inference(settings.models, settings.dtype, settings.home)
    relevance = RelevanceCut()
    with address.errors_for_people(), address.engine() as engine:
        points = VersionPoints(engine, engine.aliases()[settings.collection])
        queries = demo_queries(request["captions"], {str(one["path"]): one for one in points.payloads()})
        found, limit = [], points.count()
        for query in queries:
            vector = inference.embed_texts([query.text])[0]
            cut = relevance.of(points.name, inference, vector, points.sample)
            assert cut is not None, "the demo embedder is calibrated"
            near = [hit for hit in points.nearest(vector.tolist(), limit) if (hit.score or 0) >= cut]
            hits = points.fused(vector.tolist(), query.text, limit, cut=cut)
            closeness = {"picture": _right(query, near), "search": _right(query, [hit for hit in hits if hit.close])}
            found.append(_places(query, engine, points, vector.tolist()) | {"close": closeness})
    answer(queries=found)


def _upload(qdrant: Qdrant, version: CollectionVersion, points: Sequence[Point]) -> None:
    collection = qdrant.collection(version)
    collection.ensure()
    for _ in collection.upsert(points):
        pass


def _places(query: Query, engine: Engine, points: VersionPoints, vector: list[float]) -> dict[str, Any]:
    """The query with the places, from 0, of the photographs that satisfy it, for each way of searching."""
    matching = TypedWords(query.text).vector

    def by_words() -> list[str]:
        found = engine.matching(points.name, matching, _MATCHES, ANYWHERE, ["sha256"]) if matching.indices else []
        return list(dict.fromkeys(str(point.payload["sha256"]) for point in found))[:_PLACES]

    ways: dict[str, Callable[[], list[str]]] = {
        "dense": lambda: _contents(points.nearest(vector, _PLACES)),
        "words": by_words,
        "fused": lambda: _contents(points.fused(vector, query.text, _PLACES)),
    }
    found = {way: ways[way]() for way in WAYS}
    return {
        "kind": query.kind,
        "text": query.text,
        "satisfied": len(query.satisfied),
        "found": {way: len(contents) for way, contents in found.items()},
        "places": {
            way: [place for place, sha256 in enumerate(contents) if sha256 in query.satisfied]
            for way, contents in found.items()
        },
    }


def _right(query: Query, hits: Sequence[Hit]) -> tuple[int, int]:
    """How many photographs were found, and how many of them satisfy the query."""
    return len(hits), sum(hit.sha256 in query.satisfied for hit in hits)


def _vector(query: Query) -> list[float]:
    assert query.vector is not None, "queries of the made library have vectors"
    vector: list[float] = query.vector.tolist()
    return vector


def _contents(hits: Sequence[Hit]) -> list[str]:
    return [hit.sha256 for hit in hits]


if __name__ == "__main__":
    main()
