"""Outcomes of decoding: the reasons for which a file is rejected, and the ways in which one is decoded."""

from enum import StrEnum


class Reason(StrEnum):
    """The code of a file in the quarantine. Codes are stored: add new ones, but never rename one."""

    EMPTY = "empty"
    """The file has no bytes."""
    UNREADABLE = "unreadable"
    """The operating system did not deliver the bytes: a missing file, no permission, a failing disk."""
    UNKNOWN_FORMAT = "unknown_format"
    """The content is in no known picture format, whatever the file's name says."""
    UNSUPPORTED = "unsupported"
    """The file is a picture, but in a format or a variant that is not decoded; the message names it."""
    TRUNCATED = "truncated"
    """The file ends before its picture is complete."""
    CORRUPT = "corrupt"
    """The bytes are there, but they are not a picture that can be decoded."""
    TOO_MANY_PIXELS = "too_many_pixels"
    """The header declares more pixels than the limit allows; nothing was decoded."""
    TIMEOUT = "timeout"
    """Decoding took more processor time than the limit allows, or hung, and was stopped."""
    OUT_OF_MEMORY = "out_of_memory"
    """Decoding needed more memory than the limit allows."""
    DECODER_CRASHED = "decoder_crashed"
    """The process that decoded the file died: a segmentation fault, an abort, or a kill from outside."""
    NO_IMAGE_IN_RAW = "no_image_in_raw"
    """The file has the structure of a RAW but holds no sensor data."""


PASSING = frozenset({Reason.UNREADABLE, Reason.TIMEOUT, Reason.OUT_OF_MEMORY, Reason.DECODER_CRASHED})
"""The reasons that may be temporary, such as a failing disk or a busy machine: such a file is retried automatically."""


class ImageError(Exception):
    """A file could not be read as a picture; `message` is the library's own if the error came from a library."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


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
