"""Out-of-memory errors and batch sizes: how to recognise the errors, and how large a batch is safe."""

from collections.abc import Callable

# The allocators of the CPU and of Apple's GPUs raise a plain RuntimeError; only its text identifies the cause.
_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "alloc_failed", "bad_alloc", "bad allocation")

# The usable share. The rest is for fragmentation, and for later batches that need more than the measured one.
_USABLE = 0.8


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of torch, NumPy or Python means that the device or the machine ran out of memory."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)


def largest_batch(peak_of: Callable[[int], int], free_bytes: int, first: int, most: int) -> int:
    """The largest batch size that is safe to run: `first` images, doubled any number of times up to `most`.

    `peak_of(n)` runs a batch of n images and returns its peak memory in bytes. After the first, a batch is run only if
    twice the peak of the previous one fits into `free_bytes` with a margin.
    """
    size = first
    while size * 2 <= most and 2 * peak_of(size) <= free_bytes * _USABLE:
        size *= 2
    return size
