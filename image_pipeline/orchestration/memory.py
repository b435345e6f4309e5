"""Memory that is free, and that the allocators keep."""

import ctypes
import gc


def give_back_memory() -> None:
    """Give to the system what is free in this process: between runs, so that the peaks of one do not add to the next.

    The C library (glibc; nothing where it is another) and Arrow keep what is freed in pieces of their own, which the
    next run, with other sizes, finds room beside: 10,000 files in 8 runs peaked at 1.4 times the memory of one run.
    """
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
