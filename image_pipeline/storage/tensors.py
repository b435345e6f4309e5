"""Tensor files: model-ready images of one partition, `[n, 3, height, width]` uint8, in NumPy's `.npy` format."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from image_pipeline.imaging.spec import InputSpec


@dataclass(frozen=True)
class TensorFile:
    """A `.npy` file whose rows are written in place, by several processes, each at its own offset."""

    path: Path
    spec: InputSpec
    rows: int
    header_bytes: int

    @classmethod
    def create(cls, path: Path, spec: InputSpec, rows: int) -> "TensorFile":
        """Make a file of `rows` zeroed images; blocks on disk are taken when a row is written.

        Raises OSError where the file cannot be made.
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
        """Where row `row` begins in the file, in bytes."""
        return self.header_bytes + row * self.spec.row_bytes

    @staticmethod
    def read(path: Path) -> np.ndarray:
        """The images of a file, memory-mapped and read-only: uint8 `[n, 3, height, width]`.

        Raises FileNotFoundError where the file was released.
        """
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
