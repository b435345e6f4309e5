"""The rows of embeddings."""

import numpy as np
import pytest

from image_pipeline.stages.embeddings import rows_of


def test_a_row_has_the_numbers_of_its_vector_to_the_last_bit() -> None:
    vectors = np.random.default_rng(1).standard_normal((2, 32)).astype(np.float32)
    rows = rows_of(["a", "b"], vectors)
    assert [row.sha256 for row in rows] == ["a", "b"]
    np.testing.assert_array_equal(np.array([row.vector for row in rows], np.float32), vectors)
    with pytest.raises(ValueError, match="shorter"):
        rows_of(["a", "b", "c"], vectors)
