"""Running out of memory: how it is told, and how much of a batch to try."""

from collections.abc import Callable

# The allocators of the CPU and of Apple's GPUs raise a plain RuntimeError, which only its text tells apart.
_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "alloc_failed", "bad_alloc", "bad allocation")

# What an allocator cannot use because of fragmentation, and what later batches need beyond the one that was measured.
_USABLE = 0.8


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of torch, NumPy or Python means that memory, of the device or the machine, was exhausted."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)


def largest_batch(peak_of: Callable[[int], int], free_bytes: int, first: int, most: int) -> int:
    """The largest batch, of `first` images doubled any number of times up to `most`, that is safe to run.

    `peak_of(n)` runs a batch of n images and gives the memory it took at its peak, in bytes. A batch is run only
    where twice the peak of the one before it fits into `free_bytes` with a margin.
    """
    size = first
    while size * 2 <= most and 2 * peak_of(size) <= free_bytes * _USABLE:
        size *= 2
    return size
