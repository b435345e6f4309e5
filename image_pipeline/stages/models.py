"""The models of a process: their names and producers, and the models themselves."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.inference.batching import Throughput
from image_pipeline.inference.captioner import Caption, Captioner
from image_pipeline.inference.embedder import Embedder
from image_pipeline.inference.libraries import check_libraries
from image_pipeline.inference.models import Models, resolve_models
from image_pipeline.inference.prefetch import Images
from image_pipeline.inference.producer import Producer, ProducerKind
from image_pipeline.settings import DType
from image_pipeline.storage.cache import ContentCache


class ImageEmbedder(Protocol):
    """What embeds images and texts: see `Embedder`."""

    @property
    def throughput(self) -> Throughput | None:
        """Device, batch size and speed; None before the first batch."""

    def embed_batches(self, images: Images) -> Iterator[tuple[slice, np.ndarray]]:
        """The vectors of images, batch by batch."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of texts."""


class ImageCaptioner(Protocol):
    """What captions images: see `Captioner`."""

    @property
    def throughput(self) -> Throughput | None:
        """Device, batch size and speed; None before the first batch."""

    def caption_batches(self, images: Images) -> Iterator[tuple[slice, list[Caption]]]:
        """The captions of images, batch by batch."""


class Inference(ABC):
    """An embedder and, unless captions are switched off, a captioner."""

    @property
    @abstractmethod
    def embedding_producer(self) -> Producer:
        """The producer of embeddings. Raises ModelError if it cannot be determined."""

    @property
    @abstractmethod
    def caption_producer(self) -> Producer | None:
        """The producer of captions; None if they are switched off. Raises ModelError as `embedding_producer` does."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, str | None]:
        """The names of the embedder and the captioner (None if captions are switched off). Raises nothing."""

    @property
    @abstractmethod
    def is_configured_here(self) -> bool:
        """Whether the producers can be determined without the network. If not, the models have never been used here."""

    @property
    @abstractmethod
    def uses_this_machine(self) -> bool:
        """Whether the models need the device of this machine."""

    @property
    @abstractmethod
    def model_name(self) -> str:
        """The embedding model with its revision, written as in the setting."""

    @property
    @abstractmethod
    def embedder(self) -> ImageEmbedder:
        """The embedder."""

    @property
    @abstractmethod
    def captioner(self) -> ImageCaptioner | None:
        """The captioner; None if captions are switched off."""

    @abstractmethod
    def fetch_for(self, cache: ContentCache, sha256s: Sequence[str]) -> None:
        """Make sure that each model that has not processed all of these contents can be used; no model is loaded.

        Raises ModelError if one cannot.
        """

    @property
    def producers(self) -> list[Producer]:
        """All producers."""
        return [self.embedding_producer, *([self.caption_producer] if self.caption_producer else [])]

    def collection_version(self, alias: str) -> CollectionVersion:
        """The version of the collection that holds these embeddings."""
        producer = self.embedding_producer
        assert producer.dimension is not None, "an embedder's producer has a dimension"
        return CollectionVersion(
            alias, str(producer), producer.short_hash, producer.dimension, self.model_name, producer.dtype
        )

    def embed_images(self, images: Images) -> np.ndarray:
        """The embeddings of uint8 images `[n, 3, height, width]`: float32 `[n, d]`, of unit length."""
        return np.concatenate([vectors for _, vectors in self.embedder.embed_batches(images)])

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """The embeddings of texts: float32 `[n, d]`, of unit length, comparable with those of images."""
        return self.embedder.embed_texts(texts)

    def caption_images(self, images: Images) -> list[Caption]:
        """The captions of uint8 images `[n, 3, height, width]`; empty if captions are switched off."""
        if self.captioner is None:
            return []
        return [caption for _, captions in self.captioner.caption_batches(images) for caption in captions]


class LocalInference(Inference):
    """Models of this process, each loaded at its first use; threads use them one after the other."""

    def __init__(self, models: Models, dtype: DType) -> None:
        self._using = threading.RLock()
        self._models, self._dtype = models, dtype
        self._fetched: set[ProducerKind] = set()

    @cached_property
    def embedding_producer(self) -> Producer:
        """The producer of embeddings. Raises ModelError if the model's configuration cannot be fetched or read."""
        return self._models.embedder.producer(self._dtype)

    @cached_property
    def caption_producer(self) -> Producer | None:
        """The producer of captions; None if they are switched off. Raises ModelError as `embedding_producer` does."""
        return self._models.captioner.producer(self._dtype) if self._models.captioner else None

    @property
    def names(self) -> tuple[str, str | None]:
        """The names of the embedder and the captioner (None if captions are switched off). Nothing is fetched."""
        return self._models.names

    @property
    def is_configured_here(self) -> bool:
        """Whether the producers can be determined without the network. If not, the models have never been used here."""
        sources = (self._models.embedder, self._models.captioner)
        return all(source.origin.is_configured_here() for source in sources if source is not None)

    @property
    def uses_this_machine(self) -> bool:
        """True."""
        return True

    @property
    def model_name(self) -> str:
        """The embedding model with its revision, written as in the setting."""
        return self._models.embedder.setting

    @property
    def caption_model_name(self) -> str | None:
        """The caption model with its revision, written as in the setting; None if captions are switched off."""
        return self._models.captioner.setting if self._models.captioner else None

    def embed_images(self, images: Images) -> np.ndarray:
        """The embeddings of images, as in the base class."""
        with self._using:
            return super().embed_images(images)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """The embeddings of texts, as in the base class. Tokenizers fail if two threads use one."""
        with self._using:
            return super().embed_texts(texts)

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder, not loaded yet."""
        return Embedder(self._models.embedder, self.embedding_producer)

    @cached_property
    def captioner(self) -> Captioner | None:
        """The captioner, not loaded yet; None if captions are switched off."""
        if self._models.captioner is None or self.caption_producer is None:
            return None
        return Captioner(self._models.captioner, self.caption_producer)

    def fetch_for(self, cache: ContentCache, sha256s: Sequence[str]) -> None:
        """Fetch the missing weights of each model that has not processed all of these contents; no model is loaded.

        Raises ModelError if the libraries of models are not installed, or weights are not on this machine and cannot be
        fetched. Weights that were found once are not checked again in this process.
        """
        for source in (self._models.embedder, self._models.captioner):
            if source is None or source.kind in self._fetched:
                continue
            producer = self.embedding_producer if source is self._models.embedder else self.caption_producer
            if len(cache.get(str(producer), sha256s)) < len(set(sha256s)):
                check_libraries()
                source.directory()
                self._fetched.add(source.kind)


def load_inference(models: str, dtype: DType, home: Path) -> LocalInference:
    """The models that the setting names: the same objects for the whole process, so that each model is loaded once.

    Raises SettingsError if the setting is not valid.
    """
    with _loading:  # else two threads would get different objects
        return _load_inference(models, dtype, home)


_loading = threading.Lock()


@cache
def _load_inference(models: str, dtype: DType, home: Path) -> LocalInference:
    return LocalInference(resolve_models(models, home), dtype)
