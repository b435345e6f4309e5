"""The relevance cut: the score from which on a photograph is close to words."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from image_pipeline.inference.calibration import cut_factor
from image_pipeline.stages.models import Inference

NEUTRAL_TEXTS = (
    *("a photograph", "an image of something", "a picture", "a photo"),
    *("something", "a photo of something", "an image", "a picture of a thing"),
    *("a photograph of an object", "a scene", "an object", "some things"),
    *("a view", "a snapshot", "this is a photo", "a background"),
)
"""Texts that describe every photograph equally well."""

_SAMPLE = 512
_FEWEST = 32
"""With fewer photographs, their scores say too little about the collection, and a person can look at all of them."""
_KEPT_SECONDS = 600.0
"""How long the scores of a sample are used: a collection changes slowly."""


@dataclass(frozen=True)
class NeutralScores:
    """The scores of a sample of photographs for the neutral texts.

    `texts` are the vectors of the texts, float32 `[t, d]`, of unit length; `mean` and `deviation` (standard deviation)
    are those of the cosines of all photographs of the sample with all texts.
    """

    texts: np.ndarray
    mean: float
    deviation: float

    @classmethod
    def of(cls, texts: np.ndarray, sample: np.ndarray) -> "NeutralScores":
        """The scores of `sample` (float32 `[n, d]`, of unit length) for `texts` (float32 `[t, d]`, of unit length)."""
        scores = sample @ texts.T
        return cls(texts, float(scores.mean()), float(scores.std()))

    def cut(self, query: np.ndarray, factor: float) -> float:
        """The lowest score of a photograph that is close to a text with the vector `query` (float32 `[d]`).

        Such a score is at least `factor` standard deviations above the mean of the neutral scores. In addition, only
        that part of a score counts which the most similar neutral text does not explain, 1 - its cosine with the query;
        this part is at least `factor` standard deviations, too. Words that a model does not know make a text similar
        to a neutral one, which has a high score for many photographs. Infinite for a text that is itself neutral.
        """
        distance = factor * self.deviation
        own = 1 - float((self.texts @ query).max())
        return max(self.mean + distance, distance / own) if own > 0 else float("inf")


class RelevanceCut:
    """The relevance cut of the version that a process searches; the scores of its sample are kept.

    Several threads can use it at the same time.
    """

    def __init__(self) -> None:
        self._known: NeutralScores | None = None
        self._version, self._read_at = "", 0.0
        self._texts: np.ndarray | None = None
        self._producer = ""
        self._lock = threading.RLock()

    def embed(self, inference: Inference, text: str) -> np.ndarray:
        """The vector of a text: float32 `[d]`, of unit length. Raises ModelError if the model cannot be loaded.

        The neutral texts are embedded together with the first one, which saves a request to an inference service.
        """
        with self._lock:
            return self._embed(inference, text)

    def _embed(self, inference: Inference, text: str) -> np.ndarray:
        producer = str(inference.embedding_producer)
        is_enough = cut_factor(inference.embedding_producer) is None or self._producer == producer
        vectors = inference.embed_texts([text] if is_enough else [text, *NEUTRAL_TEXTS])
        if not is_enough:
            self._texts, self._producer = vectors[1:], producer
        vector: np.ndarray = vectors[0]
        return vector

    def of(
        self, version: str, inference: Inference, query: np.ndarray, sample: Callable[[int], np.ndarray]
    ) -> float | None:
        """The lowest score of a photograph of `version` that is close to a text with the vector `query`.

        None if the model is not calibrated, or the version has too few photographs. `sample(n)` returns the vectors of
        up to n random photographs of the version, float32 `[m, d]`. Raises ModelError if the model cannot be loaded.
        """
        with self._lock:
            return self._of(version, inference, query, sample)

    def _of(
        self, version: str, inference: Inference, query: np.ndarray, sample: Callable[[int], np.ndarray]
    ) -> float | None:
        factor = cut_factor(inference.embedding_producer)
        if factor is None:
            return None
        if self._known is None or self._version != version or time.monotonic() - self._read_at > _KEPT_SECONDS:
            self._known = None
            vectors = sample(_SAMPLE)
            if len(vectors) < _FEWEST:
                return None
            self._known = NeutralScores.of(self._neutral_texts(inference), vectors)
            self._version, self._read_at = version, time.monotonic()
        return self._known.cut(query, factor)

    def _neutral_texts(self, inference: Inference) -> np.ndarray:
        if self._texts is None or self._producer != str(inference.embedding_producer):
            self._texts, self._producer = inference.embed_texts(NEUTRAL_TEXTS), str(inference.embedding_producer)
        return self._texts
