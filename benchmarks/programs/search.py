"""Searches by words in a warm process: the pipeline's, and a bare query of a client that is kept, in turn.

The settings are the environment's; the collection is there. The request: queries, points, patience (seconds to wait
until the server has built its index).
"""

import time

from qdrant_client import QdrantClient
from qdrant_client.models import CollectionStatus

from benchmarks.exchange import answer, read_request
from image_pipeline.inference.inference import load_inference
from image_pipeline.search import Search
from image_pipeline.settings import load_settings
from image_pipeline.storage.connection import address_of
from image_pipeline.storage.search import Narrowing

_LIMIT = 10
_FIELDS = ["path", "caption", "sha256"]
_SUBJECTS = ("a dog", "two children", "a red car", "an old house", "mountains", "a birthday cake", "a ship", "flowers")
_PLACES = ("on a beach", "in the snow", "at night", "by a lake", "in a street", "under trees", "in a kitchen")


def main() -> None:
    """Search for as many different texts, and tell the seconds of each search of both kinds."""
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
        raise RuntimeError(f"{found} points are there, and not {request['points']}")
    waited = _wait(client, settings.collection, request["patience"])
    search = Search(settings, address_of(settings))
    embedder = load_inference(settings.models, settings.dtype, settings.home).embedder
    ours, against, embedding = [], [], []
    for number in range(-3, request["queries"]):
        text = f"{_SUBJECTS[number % len(_SUBJECTS)]} {_PLACES[number % len(_PLACES)]}, number {number}"
        began = time.perf_counter()
        search.by_words(text, _LIMIT, Narrowing())
        between = time.perf_counter()
        vector = embedder.embed_texts([text])[0]
        embedded = time.perf_counter()
        client.query_points(settings.collection, query=vector.tolist(), limit=_LIMIT, with_payload=_FIELDS)
        ended = time.perf_counter()
        if number >= 0:  # the first ones load and warm
            ours.append(between - began)
            against.append(ended - between)
            embedding.append(embedded - between)
    answer(ours=ours, against=against, embedding=embedding, indexed=waited is not None, waited=waited)


def _wait(client: QdrantClient, name: str, patience: float) -> float | None:
    """Wait until the server has indexed what it was given; the seconds that took, None where it did not get there."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if client.get_collection(name).status is CollectionStatus.GREEN:
            return time.monotonic() - began
        time.sleep(0.5)
    return None


if __name__ == "__main__":
    main()
