"""Tensor files: the model-ready images of a partition, `[n, 3, height, width]` uint8, in NumPy's `.npy` format."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from image_pipeline.errors import StoreError
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.storage.claims import claim_directory, delete_unclaimed, give_up_directory
from image_pipeline.storage.store import Store, is_file_stem


@dataclass(frozen=True)
class TensorFile:
    """A `.npy` file whose rows are written in place, by several processes, each at its own offset."""

    path: Path
    spec: InputSpec
    rows: int
    header_bytes: int

    @classmethod
    def create(cls, path: Path, spec: InputSpec, rows: int) -> "TensorFile":
        """Create a file of `rows` zeroed images; it is sparse until rows are written.

        Raises OSError if the file cannot be created.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "|u1", "fortran_order": False, "shape": (rows, 3, spec.height, spec.width)}
            )
            header_bytes = file.tell()
            os.ftruncate(file.fileno(), header_bytes + rows * spec.row_bytes)
        return cls(path, spec, rows, header_bytes)

    def row_offset(self, row: int) -> int:
        """The byte offset of row `row` in the file."""
        return self.header_bytes + row * self.spec.row_bytes


def tensor_path(directory: Path, spec: InputSpec) -> Path:
    """The file of the images for inputs of `spec`, in a partition's directory of tensors."""
    return directory / f"{spec}.npy"


def create_tensor_files(directory: Path, specs: Iterable[InputSpec], rows: int) -> list[TensorFile]:
    """Create one file for `rows` images per distinct spec, in a directory that is claimed for this process.

    If there are no rows, nothing is created. Raises StoreError if there is no room for the files.
    """
    if not rows:
        return []
    try:
        claim_directory(directory)
        return [TensorFile.create(tensor_path(directory, spec), spec, rows) for spec in dict.fromkeys(specs)]
    except OSError as error:
        raise StoreError(
            f"{directory} cannot be written ({error.strerror}): make room in the store, or set IMAGE_PIPELINE_HOME to "
            "a writable folder."
        ) from error


@contextmanager
def new_tensor_files(directory: Path, specs: Iterable[InputSpec], rows: int) -> Iterator[list[TensorFile]]:
    """Create tensor files to fill in the block; if the block raises, the files and the claim are removed."""
    try:
        yield create_tensor_files(directory, specs, rows)
    except BaseException:
        release_tensors(directory)
        raise


@dataclass(frozen=True)
class TensorRows:
    """Some images of a tensor file, in the order of `rows`; read from disk when slices are taken."""

    images: np.ndarray
    rows: Sequence[int]

    @property
    def dtype(self) -> np.dtype:
        """uint8."""
        return self.images.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, 3, height, width)`."""
        return (len(self.rows), *self.images.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> np.ndarray:
        """The images of a slice, in memory: uint8 `[n, 3, height, width]`."""
        array: np.ndarray = self.images[list(self.rows[part])]
        return array


def read_tensors(directory: Path, spec: InputSpec, rows: Sequence[int]) -> TensorRows:
    """Images of a partition for inputs of `spec`, by row.

    Raises StoreError if they were deleted, made for other models, or not finished.
    """
    try:
        return TensorRows(np.load(tensor_path(directory, spec), mmap_mode="r", allow_pickle=False), rows)
    except (FileNotFoundError, ValueError, EOFError) as error:
        raise StoreError(
            f"The decoded tensors {tensor_path(directory, spec)} do not exist, since they are deleted once a directory "
            "is indexed: materialize decoded_tensors together with this asset."
        ) from error


def release_tensors(directory: Path) -> None:
    """Delete the tensor files that this process made, and those beside them that killed processes have left."""
    give_up_directory(directory)
    delete_unclaimed(directory.parent)


def sweep_tensors(store: Store) -> None:
    """Delete the tensors that no process has claimed: leftovers of runs that failed or were killed."""
    with suppress(FileNotFoundError):
        for directory in store.tensors_directory.iterdir():
            if is_file_stem(directory.name):  # others were not made by the pipeline
                delete_unclaimed(directory)
