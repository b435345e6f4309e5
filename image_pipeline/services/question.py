"""What a person searches for, apart from how much of it is shown."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.errors import PipelineError
from image_pipeline.files.open_file import LibraryFile


class UnknownPhotographError(PipelineError):
    """There is no photograph with an id."""


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


def mean_vector(like: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    """The vector of a query by examples: float32 `[d]`, of unit length, from `like` `[n, d]` and `unlike` `[m, d]`.

    It is the mean of `like`, moved away from the mean of `unlike` by their difference, as Qdrant's strategy
    `average_vector` does; made here, so that all engines agree. If nothing is left, the mean of `like`.
    """
    wanted = like.mean(axis=0)
    vector = wanted if len(unlike) == 0 else 2 * wanted - unlike.mean(axis=0)
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        vector, length = like[0], float(np.linalg.norm(like[0]))
    unit: np.ndarray = (vector / length).astype(np.float32)
    return unit
