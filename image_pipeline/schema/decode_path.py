"""How a file became pixels."""

from enum import StrEnum


class DecodePath(StrEnum):
    """The way a file was decoded, as recorded with it."""

    FULL = "full"
    """Every pixel of the file was decoded."""
    SCALED = "scaled"
    """A JPEG was decoded at 1/2, 1/4 or 1/8 of its size, straight from its DCT coefficients."""
    RAW_PREVIEW = "raw_preview"
    """The preview that the camera embedded in a RAW."""
    RAW_HALF = "raw_half"
    """A RAW at half its size: each 2×2 cell of the mosaic became one pixel."""
    RAW_FULL = "raw_full"
    """A RAW, demosaiced at its full size."""
