"""Search in the collection: by a vector, narrowed by place, time, camera, directory or words of the caption."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from image_pipeline.errors import CollectionError
from image_pipeline.settings import DType
from image_pipeline.storage.collection import alias_target

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_COPIES = 16


@dataclass(frozen=True)
class Near:
    """A circle on the globe: its middle in degrees, its radius in km."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class Narrowing:
    """What a hit must satisfy beside being similar; None asks for nothing."""

    near: Near | None = None
    after: datetime | None = None
    before: datetime | None = None
    camera: str | None = None
    words: str | None = None


@dataclass(frozen=True)
class Hit:
    """A photograph that was found: `score` is the cosine, `copies` the other files with the same content."""

    path: str
    score: float
    caption: str
    sha256: str
    copies: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchedVersion:
    """What the collection that is searched was made with; `model` and `dtype` are as the settings would name them."""

    producer: str
    model: str
    dtype: DType


def searched_version(client: "QdrantClient", alias: str) -> SearchedVersion:
    """What made the embeddings that `alias` leads to. Raises CollectionError where there is no collection yet."""
    target = alias_target(client, alias)
    if target is None:
        raise CollectionError(
            f"There is no collection {alias!r} in Qdrant yet: ingest a library first (`image-pipeline ingest FOLDER`)."
        )
    metadata = client.get_collection(target).config.metadata or {}
    try:
        return SearchedVersion(
            metadata["embedding_producer"], metadata["embedding_model"], DType(metadata["embedding_dtype"])
        )
    except (KeyError, ValueError) as error:
        raise CollectionError(
            f"The collection {target!r} does not say which model made it: set IMAGE_PIPELINE_COLLECTION to another "
            "name, or delete it and ingest the library once more."
        ) from error


def nearest(
    client: "QdrantClient", alias: str, vector: Sequence[float], limit: int, narrowing: Narrowing | None = None
) -> list[Hit]:
    """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once."""
    groups = client.query_points_groups(
        alias,
        query=list(vector),
        group_by="sha256",
        limit=limit,
        group_size=_COPIES,
        query_filter=_filter(narrowing or Narrowing()),
        with_payload=["path", "caption", "sha256"],
    ).groups
    hits = []
    for group in groups:
        files = sorted(group.hits, key=lambda point: str((point.payload or {})["path"]))
        payload = files[0].payload or {}
        copies = tuple(str((point.payload or {})["path"]) for point in files[1:])
        hits.append(Hit(payload["path"], files[0].score, payload.get("caption") or "", payload["sha256"], copies))
    return hits


def _filter(narrowing: Narrowing) -> Any:
    from qdrant_client import models

    must: list[models.Condition] = []
    if narrowing.near is not None:
        centre = models.GeoPoint(lat=narrowing.near.latitude, lon=narrowing.near.longitude)
        radius = models.GeoRadius(center=centre, radius=narrowing.near.radius_km * 1000)
        must.append(models.FieldCondition(key="place", geo_radius=radius))
    if narrowing.after is not None or narrowing.before is not None:
        times = models.DatetimeRange(gte=narrowing.after, lt=narrowing.before)
        must.append(models.FieldCondition(key="taken_at", range=times))
    if narrowing.camera is not None:
        must.append(models.FieldCondition(key="camera_model", match=models.MatchValue(value=narrowing.camera)))
    if narrowing.words is not None:
        must.append(models.FieldCondition(key="caption", match=models.MatchText(text=narrowing.words)))
    return models.Filter(must=must) if must else None
