"""What one file may cost."""

from dataclasses import dataclass

from image_pipeline.schema.reason import Reason


@dataclass(frozen=True)
class DecodeLimits:
    """Bounds on the work that one file may cause.

    `seconds` is processor time, which is the same however busy the machine is; `address_space_bytes` the virtual
    memory of the whole worker process (about 160 MB of which it needs for itself), `pixels` width × height as announced
    by the file's header; `wall_seconds` is the time on the clock after which a worker that uses no processor is given
    up, as it hangs on a disk. All but `pixels` are kept by the worker pool alone, `pixels` also by a decode in the
    calling process.
    """

    seconds: float = 30.0
    address_space_bytes: int = 2 << 30
    pixels: int = 200_000_000
    wall_seconds: float = 300.0

    def is_wider_than(self, other: "DecodeLimits", reason: Reason) -> bool:
        """Whether a file that failed for `reason` within `other` may do better within these."""
        match reason:
            case Reason.TOO_MANY_PIXELS:
                return self.pixels > other.pixels
            case Reason.TIMEOUT:
                return self.seconds > other.seconds
            case Reason.OUT_OF_MEMORY | Reason.DECODER_CRASHED:
                return self.address_space_bytes > other.address_space_bytes
            case _:
                return False
