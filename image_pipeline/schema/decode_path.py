"""The ways in which a file can be decoded."""

from enum import StrEnum


class DecodePath(StrEnum):
    """The way in which a file was decoded, as stored in its row."""

    FULL = "full"
    """Every pixel of the file was decoded."""
    SCALED = "scaled"
    """A JPEG was decoded at 1/2, 1/4 or 1/8 of its size, straight from its DCT coefficients."""
    RAW_PREVIEW = "raw_preview"
    """The preview that the camera embedded in a RAW was decoded."""
    RAW_HALF = "raw_half"
    """A RAW was decoded at half its size: each 2×2 cell of the mosaic became one pixel."""
    RAW_FULL = "raw_full"
    """A RAW was demosaiced at its full size."""
