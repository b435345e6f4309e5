"""Batches shrink when memory runs out, grow to what fits, and say so when not even one image does."""

import numpy as np
import pytest
import torch

from image_pipeline.errors import ModelError
from image_pipeline.inference.batching import Batcher, is_out_of_memory, largest_batch
from image_pipeline.inference.device import Device
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.settings import DType

SPEC = InputSpec(4, 4, ResizeMode.SQUASH, Interpolation.BICUBIC)
CPU = Device("cpu", "", DType.FP32)
# More than any machine can address, so that a real allocation really fails.
IMPOSSIBLE_BYTES = 1 << 60


def numbered(count: int) -> np.ndarray:
    """Images that tell which they are by their first byte."""
    images = np.zeros((count, 3, 4, 4), np.uint8)
    images[:, 0, 0, 0] = range(count)
    return images


def needs(bytes_of_batch: "dict[int, int]", calls: list[int]) -> "Batcher[list[int]]":
    """A model that takes the memory that stands there for a batch's size, and returns the numbers of the images."""

    def forward(batch: torch.Tensor) -> list[int]:
        calls.append(len(batch))
        torch.empty(bytes_of_batch.get(len(batch), 1), dtype=torch.uint8)
        return [int(number) for number in batch[:, 0, 0, 0]]

    return Batcher("tiny", SPEC, CPU, forward, first=8, most=8)


def test_a_batch_that_does_not_fit_is_halved_and_no_image_left_out() -> None:
    calls: list[int] = []
    batcher = needs({8: IMPOSSIBLE_BYTES, 4: IMPOSSIBLE_BYTES}, calls)

    results = list(batcher.run(numbered(9)))

    assert [number for _, numbers in results for number in numbers] == list(range(9))
    assert [rows for rows, _ in results] == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8), slice(8, 9)]
    assert calls == [8, 4, 2, 2, 2, 2, 1]
    assert batcher.throughput.batch_size == 2
    assert batcher.throughput.images == 9

    # The next call begins where this one ended.
    calls.clear()
    assert len(list(batcher.run(numbered(6)))) == 3
    assert calls == [2, 2, 2]


def test_memory_that_runs_out_midway_repeats_only_the_batch_it_ran_out_in() -> None:
    seen: list[list[int]] = []

    def forward(batch: torch.Tensor) -> list[int]:
        numbers = [int(number) for number in batch[:, 0, 0, 0]]
        if len(numbers) == 4 and numbers[0] >= 8:
            torch.empty(IMPOSSIBLE_BYTES, dtype=torch.uint8)
        seen.append(numbers)
        return numbers

    batcher = Batcher("tiny", SPEC, CPU, forward, first=4, most=4)
    assert [number for _, numbers in batcher.run(numbered(12)) for number in numbers] == list(range(12))
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [10, 11]]


def test_an_image_that_does_not_fit_alone_is_an_error_for_people() -> None:
    batcher = needs(dict.fromkeys(range(1, 9), IMPOSSIBLE_BYTES), [])
    with pytest.raises(ModelError, match="The model tiny ran out of memory on cpu, fp32 with a single image of 4 by 4"):
        list(batcher.run(numbered(8)))


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def forward(batch: torch.Tensor) -> torch.Tensor:
        return batch.reshape(7, 11)

    with pytest.raises(RuntimeError, match="invalid for input of size"):
        list(Batcher("tiny", SPEC, CPU, forward, first=8, most=8).run(numbered(8)))


def test_a_caller_may_stop_after_any_batch() -> None:
    calls: list[int] = []
    run = needs({}, calls).run(numbered(24))
    next(run)
    run.close()
    assert calls == [8]


def test_rows_are_read_as_slices_and_in_order() -> None:
    taken: list[slice] = []

    class Rows:
        def __len__(self) -> int:
            return 20

        def __getitem__(self, part: slice) -> np.ndarray:
            taken.append(part)
            return numbered(20)[part]

    numbers = [number for _, numbers in needs({}, []).run(Rows()) for number in numbers]
    assert numbers == list(range(20))
    assert taken == [slice(0, 8), slice(8, 16), slice(16, 24)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    ("bytes_per_image", "fixed", "expected"),
    [(1, 0, 512), (10, 0, 64), (1, 100, 512), (2, 300, 64), (100, 0, 8), (1000, 0, 8)],
)
def test_the_largest_batch_is_found_without_running_one_that_does_not_fit(
    bytes_per_image: int, fixed: int, expected: int
) -> None:
    free, tried = 1000, []

    def peak_of(count: int) -> int:
        tried.append(count)
        return fixed + count * bytes_per_image

    size = largest_batch(peak_of, free, first=8, most=512)

    assert size == expected
    assert max(tried) <= size
    assert size == 8 or fixed + size * bytes_per_image <= 0.8 * free
