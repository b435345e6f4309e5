"""Searches by words in a warm process: by the pipeline, and by a bare query of an open client, alternately.

The settings come from the environment, and the collection exists. The request: queries, points, patience (the maximum
seconds to wait until the server has built its index).
"""

import time

from qdrant_client import QdrantClient
from qdrant_client.models import CollectionStatus

from benchmarks.exchange import answer, read_request
from benchmarks.measuring.stopwatch import Laps
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.services.search import Search
from image_pipeline.settings import load_settings
from image_pipeline.stages.models import load_inference

_LIMIT = 10
_WARMING = 3  # texts that load the models and warm up both sides
_FIELDS = ["path", "caption", "sha256"]
_SUBJECTS = ("a dog", "two children", "a red car", "an old house", "mountains", "a birthday cake", "a ship", "flowers")
_PLACES = ("on a beach", "in the snow", "at night", "by a lake", "in a street", "under trees", "in a kitchen")


def main() -> None:
    """Search for `queries` different texts, and report the seconds of each search on both sides."""
    request = read_request()
    settings = load_settings()
    client = QdrantClient(
        url=settings.qdrant_url,
        grpc_port=settings.qdrant_grpc_port,
        prefer_grpc=True,
        timeout=60,
        check_compatibility=False,
    )
    found = client.count(settings.collection).count
    if found != request["points"]:
        raise RuntimeError(f"the collection has {found} points instead of {request['points']}")
    waited = _wait(client, settings.collection, request["patience"])
    search = Search(settings, address_of(settings))
    embedder = load_inference(settings.models, settings.dtype, settings.home).embedder

    def by_pipeline(text: str, laps: Laps) -> None:
        laps.time(lambda: search.by_words(text, _LIMIT, SearchFilter()))

    def bare(text: str, laps: Laps, embedding: Laps) -> None:
        with laps.lap():
            with embedding.lap():
                vector = embedder.embed_texts([text])[0]
            client.query_points(settings.collection, query=vector.tolist(), limit=_LIMIT, with_payload=_FIELDS)

    for number in range(_WARMING):
        by_pipeline(_text(number), Laps())
        bare(_text(number), Laps(), Laps())
    ours, against, embedding = Laps(), Laps(), Laps()
    for number in range(_WARMING, _WARMING + request["queries"]):
        if number % 2 == 0:
            by_pipeline(_text(number), ours)
        bare(_text(number), against, embedding)
        if number % 2 == 1:
            by_pipeline(_text(number), ours)
    results = {"ours": ours.as_dict(), "against": against.as_dict(), "embedding": embedding.as_dict()}
    answer(**results, indexed=waited is not None, waited=waited)


def _text(number: int) -> str:
    """A text that is different for every number."""
    return f"{_SUBJECTS[number % len(_SUBJECTS)]} {_PLACES[number % len(_PLACES)]}, number {number}"


def _wait(client: QdrantClient, name: str, patience: float) -> float | None:
    """Wait until the server has indexed all points; returns the seconds, None if it took longer than `patience`."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if client.get_collection(name).status is CollectionStatus.GREEN:
            return time.monotonic() - began
        time.sleep(0.5)
    return None


if __name__ == "__main__":
    main()
