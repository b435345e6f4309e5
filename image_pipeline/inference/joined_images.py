"""Arrays of images in one sequence."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np


class JoinedImages:
    """Images of several arrays, uint8 `[n, 3, height, width]` each, one array after the other.

    Nothing is copied before it is read: the thread that reads a batch ahead joins its images, while a model computes.
    """

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        """At least one array, all of the same height and width."""
        self._arrays = arrays
        self._starts = [0, *accumulate(map(len, arrays))]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, part: slice, /) -> np.ndarray:
        """The images of a slice, in order; those of a single array are not copied."""
        first, end, _ = part.indices(len(self))
        pieces = [
            array[max(0, first - start) : end - start]
            for array, start in zip(self._arrays, self._starts, strict=False)
            if start < end and first < start + len(array)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces or [self._arrays[0][:0]])
