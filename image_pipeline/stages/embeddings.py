"""The embeddings of some partitions: each content once, from its tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from image_pipeline.progress import Counter
from image_pipeline.schema.rows import Embedding
from image_pipeline.stages.unseen import DecodedPartition, unseen_images
from image_pipeline.storage.content import EmbeddingCache

if TYPE_CHECKING:
    from image_pipeline.inference.embedder import Embedder


@dataclass(frozen=True)
class EmbeddedImages:
    """The embeddings by content; those of `computed` went through the model now, the others were known."""

    rows: dict[str, Embedding]
    computed: frozenset[str]


def embed_images(embedder: "Embedder", cache: EmbeddingCache, partitions: Sequence[DecodedPartition]) -> EmbeddedImages:
    """The embeddings of the readable images of `partitions`.

    Each batch is kept in the cache as soon as it is computed, so that a run that ends early loses one at most.
    Raises StoreError where an image that the model has not seen has no tensor any more, and ModelError where the
    model cannot be loaded, or gives what is no number.
    """
    rows = cache.get(list(dict.fromkeys(sha256 for partition in partitions for sha256 in partition.readable)))
    unseen = unseen_images(partitions, embedder.producer.input, rows)
    counter = Counter("embeddings", len(unseen))
    for batch, vectors in embedder.embed_batches(unseen):
        sha256s = unseen.sha256s[batch]
        cache.put(sha256s, vectors)
        rows.update((sha256, Embedding(sha256, v.tolist())) for sha256, v in zip(sha256s, vectors, strict=True))
        counter.advance(len(sha256s))
    return EmbeddedImages(rows, frozenset(unseen.sha256s))
