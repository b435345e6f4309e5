"""What one file may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodeLimits:
    """Bounds on the work that one file may cause.

    `seconds` is wall-clock time, `address_space_bytes` the virtual memory of the whole worker process (about 160 MB
    of which it needs for itself), `pixels` width × height as announced by the file's header. The first two are kept
    by the worker pool; `pixels` also by a decode in the calling process.
    """

    seconds: float = 30.0
    address_space_bytes: int = 2 << 30
    pixels: int = 200_000_000
