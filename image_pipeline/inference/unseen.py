"""The images of a partition that a model has not seen yet."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import StoreError
from image_pipeline.imaging.spec import InputSpec
from image_pipeline.storage.rows import DecodedImage
from image_pipeline.storage.tensors import TensorRows, read_tensors, tensor_path


@dataclass(frozen=True)
class UnseenImages:
    """Contents and their images, in the same order; `images` is None where there are none."""

    sha256s: Sequence[str]
    images: TensorRows | None

    def __len__(self) -> int:
        return len(self.sha256s)


def unseen_images(
    directory: Path, spec: InputSpec, decoded: Sequence[DecodedImage], seen: Container[str]
) -> UnseenImages:
    """The images `decoded` that can be read and are not among the `seen` ones, from the tensors in `directory`.

    Raises StoreError where one of them has no tensor (any more).
    """
    unseen = [image for image in decoded if image.reason is None and image.sha256 not in seen]
    if not unseen:
        return UnseenImages((), None)
    rows = [image.row for image in unseen if image.row is not None]
    if len(rows) < len(unseen):
        raise StoreError(
            f"{tensor_path(directory, spec)} lacks {len(unseen) - len(rows)} images, which no model needed when it was "
            "made: materialize decoded_tensors together with this asset."
        )
    return UnseenImages([image.sha256 for image in unseen], read_tensors(directory, spec, rows))
