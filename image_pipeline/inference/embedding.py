"""The embeddings of a partition: each content once, from its tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from image_pipeline.inference.unseen import unseen_images
from image_pipeline.progress import Counter
from image_pipeline.storage.content import EmbeddingCache
from image_pipeline.storage.rows import DecodedImage, Embedding

if TYPE_CHECKING:
    from image_pipeline.inference.embedder import Embedder


@dataclass(frozen=True)
class EmbeddedImages:
    """The rows of a partition, one a decoded content; `computed` of them went through the model now."""

    rows: list[Embedding]
    computed: int


def embed_images(
    embedder: "Embedder", cache: EmbeddingCache, directory: Path, decoded: Sequence[DecodedImage]
) -> EmbeddedImages:
    """The embeddings of the images `decoded`; those in quarantine have none. `directory` holds their tensors.

    Each batch is kept in the cache as soon as it is computed, so that a run that ends early loses one at most.
    Raises StoreError where an image that the model has not seen has no tensor any more, and ModelError where the
    model cannot be loaded.
    """
    readable = [image.sha256 for image in decoded if image.reason is None]
    rows = cache.get(readable)
    unseen = unseen_images(directory, embedder.producer.input, decoded, rows)
    counter = Counter("embeddings", len(unseen))
    for batch, vectors in embedder.embed_batches(unseen.images) if unseen.images is not None else ():
        sha256s = unseen.sha256s[batch]
        cache.put(sha256s, vectors)
        rows.update((sha256, Embedding(sha256, v.tolist())) for sha256, v in zip(sha256s, vectors, strict=True))
        counter.advance(len(sha256s))
    return EmbeddedImages([rows[sha256] for sha256 in readable], len(unseen))
