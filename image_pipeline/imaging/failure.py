"""Mapping of decoder exceptions to the reasons stored in the quarantine."""

import errno
from typing import BinaryIO

import rawpy
from PIL import Image

from image_pipeline.imaging.completeness import is_truncated
from image_pipeline.imaging.values import text
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.outcome import ImageError, Reason

_MAX_MESSAGE = 500
_MEMORY_WORDS = ("out of memory", "memory allocation", "cannot allocate", "bad_alloc", "unsufficient memory")
_ABSURD = "security limit"
"""Part of libheif's message about sizes that no sound file has, which it also calls a memory allocation error."""
_OF_THE_CONTENT = (None, errno.EINVAL, errno.EOVERFLOW)
"""The errno of each OSError that the content causes: from a decoder, or from the system for an impossible offset."""
_UNSUPPORTED_WORDS = (
    "unsupported codec",
    "unsupported feature",
    "unsupported image type",
    "unsupported color conversion",
)
"""Parts of libheif's messages about variants that it does not decode."""
_TRUNCATION_WORDS = ("truncated", "unexpected eof", "unexpected end of file", "end of file", "not enough image data")


def image_error(error: Exception, file: BinaryIO | None = None, image_format: ImageFormat | None = None) -> ImageError:
    """`error` as an ImageError with a fitting reason and the library's own message.

    Pillow alone raises OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError, KeyError, struct.error,
    ZeroDivisionError, OverflowError and more for damaged files, so the type says little. If `file` and its format are
    given, the file is checked for completeness.
    """
    if isinstance(error, ImageError):
        return error
    return ImageError(_reason(error, file, image_format), _message(error))


def _reason(error: Exception, file: BinaryIO | None, image_format: ImageFormat | None) -> Reason:
    message = _message(error).lower()
    if isinstance(error, MemoryError) and _is_cut_off(file, image_format):
        return Reason.TRUNCATED  # the decoder allocated memory for declared data that is missing
    if isinstance(error, MemoryError | rawpy.LibRawUnsufficientMemoryError):
        return Reason.OUT_OF_MEMORY
    if any(word in message for word in _MEMORY_WORDS) and _ABSURD not in message:
        return Reason.OUT_OF_MEMORY
    if isinstance(error, Image.DecompressionBombError | rawpy.LibRawTooBigError):
        return Reason.TOO_MANY_PIXELS
    if isinstance(error, OSError) and error.errno not in _OF_THE_CONTENT:
        return Reason.UNREADABLE
    # LibRaw reports reading past the end as an input/output error; a real one would come from the system.
    if isinstance(error, EOFError | rawpy.LibRawIOError) or any(word in message for word in _TRUNCATION_WORDS):
        return Reason.TRUNCATED
    if _is_cut_off(file, image_format):
        return Reason.TRUNCATED
    if isinstance(error, rawpy.LibRawFileUnsupportedError | rawpy.LibRawNotImplementedError):
        return Reason.UNSUPPORTED
    return Reason.UNSUPPORTED if any(word in message for word in _UNSUPPORTED_WORDS) else Reason.CORRUPT


def _is_cut_off(file: BinaryIO | None, image_format: ImageFormat | None) -> bool:
    if file is None or image_format is None:
        return False
    try:
        return is_truncated(file, image_format)
    except (OSError, ValueError, MemoryError):
        return False


def _message(error: Exception) -> str:
    first = error.args[0] if len(error.args) == 1 else None
    return text(first if isinstance(first, bytes) else str(error), _MAX_MESSAGE) or type(error).__name__
