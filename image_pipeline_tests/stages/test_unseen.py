"""Images of several directories go through a model as one sequence, each content once."""

from pathlib import Path

import numpy as np
import pytest

from image_pipeline.errors import StoreError
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.rows import DecodedContent
from image_pipeline.stages.tensor_stage import DecodedPartition, unseen_images
from image_pipeline.storage.tensors import create_tensor_files

SPEC = InputSpec(2, 3, ResizeMode.SQUASH, Interpolation.BICUBIC)


def partition(directory: Path, *contents: str, quarantined: str | None = None) -> DecodedPartition:
    """A partition whose images are filled with the number that each content's name ends in."""
    [file] = create_tensor_files(directory, [SPEC], len(contents))
    images = np.load(file.path, mmap_mode="r+")
    for row, content in enumerate(contents):
        images[row] = int(content[1:])
    rows = [DecodedContent(content, row, "full", "decoder 1", None, None) for row, content in enumerate(contents)]
    if quarantined is not None:
        rows.insert(1, DecodedContent(quarantined, None, None, "decoder 1", "corrupt", "it is"))
    return DecodedPartition(directory, rows)


def filled_with(images: np.ndarray) -> list[int]:
    assert images.dtype == np.uint8 and images.shape[1:] == (3, 2, 3)
    assert (images == images[:, :1, :1, :1]).all()
    return [int(image[0, 0, 0]) for image in images]


def test_a_batch_spans_directories(tmp_path: Path) -> None:
    parts = [
        partition(tmp_path / "a", "c1", "c2", "c3", quarantined="c9"),
        partition(tmp_path / "b", "c4"),
        partition(tmp_path / "c", "c5", "c6"),
    ]
    unseen = unseen_images(parts, SPEC, {"c2"})
    assert unseen.sha256s == ["c1", "c3", "c4", "c5", "c6"]
    assert len(unseen) == 5
    assert filled_with(unseen[0:5]) == [1, 3, 4, 5, 6]
    assert filled_with(unseen[1:4]) == [3, 4, 5]
    assert filled_with(unseen[3:99]) == [5, 6]


def test_a_content_of_two_directories_is_shown_once(tmp_path: Path) -> None:
    unseen = unseen_images([partition(tmp_path / "a", "c1", "c2"), partition(tmp_path / "b", "c2", "c3")], SPEC, ())
    assert unseen.sha256s == ["c1", "c2", "c3"]
    assert filled_with(unseen[0:3]) == [1, 2, 3]


def test_what_every_model_has_seen_needs_no_tensors(tmp_path: Path) -> None:
    decoded = DecodedPartition(tmp_path / "gone", [DecodedContent("c1", None, "full", "decoder 1", None, None)])
    assert len(unseen_images([decoded], SPEC, {"c1"})) == 0
    with pytest.raises(StoreError, match="materialize decoded_tensors together"):
        unseen_images([decoded], SPEC, ())
