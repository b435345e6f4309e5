"""Uploads of points to a server, by the pipeline and by a bare client, alternately, to identical collections.

The request: url, grpc_port, points, chunks, model (the directory of the embedder of the collection), home, alias. The
pipeline's collection stays, under the alias.
"""

from pathlib import Path

from qdrant_client import QdrantClient
from qdrant_client.models import PointStruct

from benchmarks.exchange import answer, read_request
from benchmarks.inputs.points import make_points
from benchmarks.measuring.stopwatch import Laps
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.points import Point
from image_pipeline.collection.server import ServerAddress
from image_pipeline.collection.version_points import UPSERT_BATCH
from image_pipeline.settings import DType
from image_pipeline.stages.models import load_inference


def main() -> None:
    """Upload the points chunk by chunk to both, and report the seconds of each chunk."""
    request = read_request()
    home = Path(request["home"])
    inference = load_inference(f"{request['model']},none", DType.AUTO, home)
    address = ServerAddress(request["url"], request["grpc_port"])
    bare = QdrantClient(
        url=request["url"], grpc_port=request["grpc_port"], prefer_grpc=True, timeout=60, check_compatibility=False
    )
    size = request["points"] // request["chunks"]
    ours, against = Laps(), Laps()
    with address.connect(request["alias"]) as qdrant:
        version = inference.collection_version(request["alias"])
        collection = qdrant.collection(version)
        collection.ensure()
        same = qdrant.collection(inference.collection_version(f"{request['alias']}-bare"))
        same.ensure()
        for chunk in range(request["chunks"]):
            points = make_points(chunk * size, size, version.dimension, version.producer)
            turns = [
                lambda points=points: _upload(collection, points, ours),
                lambda points=points: _upload_bare(bare, same.version.name, points, against),
            ]
            for turn in turns if chunk % 2 == 0 else reversed(turns):
                turn()
        counts = collection.count(), same.count()
        bare.delete_collection(same.version.name)
    if counts != (size * request["chunks"],) * 2:
        raise RuntimeError(f"the collections have {counts[0]} and {counts[1]} points, not {size * request['chunks']}")
    answer(points=size, ours=ours.as_dict(), against=against.as_dict())


def _upload(collection: Collection, points: list[Point], laps: Laps) -> None:
    with laps.lap():
        for _ in collection.upsert(points):
            pass


def _upload_bare(client: QdrantClient, name: str, points: list[Point], laps: Laps) -> None:
    structures = [PointStruct(id=point.id, vector=list(point.vector), payload=dict(point.payload)) for point in points]
    with laps.lap():
        client.upload_points(name, structures, batch_size=UPSERT_BATCH, wait=True)


if __name__ == "__main__":
    main()
