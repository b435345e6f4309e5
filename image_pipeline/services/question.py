"""What a person searches for, apart from how much of it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.errors import PipelineError
from image_pipeline.files.open_file import LibraryFile

_SHORTEST = 1e-6


class UnknownPhotographError(PipelineError):
    """There is no photograph with an id."""


class ForgottenRankingError(PipelineError):
    """The rest of a search is not known any more, or never was."""

    def __init__(self) -> None:
        super().__init__("The rest of this search is no longer kept: search again.")


@dataclass(frozen=True)
class Question:
    """What to search for: words, a picture, photographs like some and unlike others (by the ids of their points).

    Photographs must have all `phrases`, which only words can have, and pass `search_filter`. With nothing to compare
    photographs with, all that pass are asked for.
    """

    words: str = ""
    phrases: tuple[str, ...] = ()
    picture: Path | LibraryFile | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    search_filter: SearchFilter = field(default_factory=SearchFilter)

    @property
    def is_compared(self) -> bool:
        """Whether photographs are compared with anything."""
        return bool(self.words or self.picture or self.like)

    @property
    def is_of_words(self) -> bool:
        """Whether photographs are compared with words only, so that their own words count, too."""
        return bool(self.words) and self.picture is None and not (self.like or self.unlike)


def mean_vector(like: Sequence[np.ndarray], unlike: Sequence[np.ndarray]) -> np.ndarray:
    """The vector of a query by examples: float32 `[d]`, of unit length, from at least one to be like.

    It is the mean of `like`, moved away from the mean of `unlike` by their difference, as Qdrant's strategy
    `average_vector` does; made here, so that all engines agree. If nothing is left, the first of `like`.
    """
    if len(like) == 1 and not unlike:
        return like[0]
    wanted = np.mean(like, axis=0)
    vector = 2 * wanted - np.mean(unlike, axis=0) if unlike else wanted
    length = float(np.linalg.norm(vector))
    if length < _SHORTEST:
        return like[0]
    unit: np.ndarray = (vector / length).astype(np.float32)
    return unit
