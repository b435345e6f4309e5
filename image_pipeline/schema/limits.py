"""Limits on the work that one file may cause."""

from dataclasses import dataclass

from image_pipeline.schema.outcome import Reason


@dataclass(frozen=True)
class DecodeLimits:
    """Limits on the work that one file may cause.

    `seconds` is processor time, which does not depend on how busy the machine is. `address_space_bytes` is the virtual
    memory of the whole worker process, which needs about 160 MB for itself. `pixels` is width × height, as declared in
    the file's header. `wall_seconds` is elapsed time: a worker that reaches it without using up `seconds` is killed,
    since it is probably waiting for a disk. The worker pool enforces all four; a decode in the calling process enforces
    `pixels` alone.
    """

    seconds: float = 30.0
    address_space_bytes: int = 2 << 30
    pixels: int = 200_000_000
    wall_seconds: float = 300.0

    def is_wider_than(self, other: "DecodeLimits", reason: Reason) -> bool:
        """Whether a file that failed for `reason` within the limits `other` may succeed within these."""
        match reason:
            case Reason.TOO_MANY_PIXELS:
                return self.pixels > other.pixels
            case Reason.TIMEOUT:
                return self.seconds > other.seconds
            case Reason.OUT_OF_MEMORY | Reason.DECODER_CRASHED:
                return self.address_space_bytes > other.address_space_bytes
            case _:
                return False
