"""TIFF pictures of kinds that Pillow does not read: floating point, half precision, 16-bit Lab, and newer compressions.

tifffile reads their directories and imagecodecs their pixels. Pillow remains the reader of all other TIFF files.
"""

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from image_pipeline.imaging.raster import ORIENTATION_TAG, displayed_size, upright, valid_orientation
from image_pipeline.imaging.samples import picture_of, to_eight_bits
from image_pipeline.imaging.tiff import file_size
from image_pipeline.imaging.zeros import is_zero
from image_pipeline.schema.outcome import ImageError, Reason

_WHITE_IS_ZERO, _SEPARATED, _CIE_LAB, _ICC_LAB = 0, 5, 8, 9
_READ = frozenset((0, 1, 2, 5, 6, 8, 9))
"""Photometric interpretations: grey in both directions, RGB, separated, YCbCr, and two kinds of Lab."""
_ICC_PROFILE = 34675
_NUMBERS = ("u", "i", "f")
_PLANAR, _UNCOMPRESSED = 2, 1
_ZEROS = 64
"""More zero bytes than compressed data ends with."""


class TiffPage(ImageFile.ImageFile):
    """The first page of a TIFF file for Pillow, which turns it upright like Pillow's own class."""

    format = "TIFF"

    def _open(self) -> None:
        import tifffile  # only few libraries have such a file

        assert self.fp is not None
        self._page = page = tifffile.TiffFile(self.fp, name="picture", _multifile=False).pages[0]
        kind = "" if page.dtype is None else page.dtype.kind
        is_read = kind in _NUMBERS and page.imagedepth == 1 and page.photometric in _READ
        if not is_read or not page.imagewidth or not page.imagelength:
            raise ImageError(Reason.UNSUPPORTED, _unsupported(page))
        self.orientation = valid_orientation(_tag(page, ORIENTATION_TAG))
        self._size = displayed_size(page.imagewidth, page.imagelength, self.orientation)
        self._mode = "RGB"
        profile = _tag(page, _ICC_PROFILE)
        if isinstance(profile, bytes):
            self.info["icc_profile"] = profile

    def load(self) -> Any:
        """Decode the page. Raises ImageError if it cannot be decoded, and whatever the decoders raise."""
        if self._im is None:
            picture = upright(_decoded(self._page, self.fp), self.orientation)  # type: ignore[arg-type]
            self.im, self._mode = picture.im, picture.mode
        return Image.Image.load(self)

    def salvage(self) -> tuple[Image.Image, int, int]:
        """The picture as stored, as far as its strips or tiles can be decoded; how many can, and how many there are.

        Raises ImageError, and whatever the decoders raise before they come to the pixels.
        """
        assert self.fp is not None
        samples, sound, total = _sound_samples(self._page, self.fp)  # type: ignore[arg-type]
        return _picture(self._page, samples), sound, total

    @property
    def is_tiled(self) -> bool:
        """Whether the picture is stored in tiles, and not in strips."""
        return bool(self._page.is_tiled)


def _sound_samples(page: Any, file: BinaryIO) -> tuple[np.ndarray, int, int]:
    size, sound = file_size(file), 0
    grey = 0.5 if page.dtype.kind == "f" else np.iinfo(page.dtype).max // 2
    planes, contiguous = (page.samplesperpixel, 1) if page.planarconfig == _PLANAR else (1, page.samplesperpixel)
    samples = np.full((planes, page.imagelength, page.imagewidth, contiguous), grey, page.dtype)
    tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    for number, (start, count) in enumerate(segments):
        if not start or not count or start + count > size:
            continue
        if page.compression != _UNCOMPRESSED and is_zero(file, max(start, start + count - _ZEROS), start + count):
            continue
        file.seek(start)
        try:
            segment, (plane, _, top, left, _), _ = page.decode(file.read(count), number, **tables)
        except Exception:  # whatever the decoder raises: this part is lost, and the next may be sound
            continue
        if segment is None:
            continue
        place = samples[plane, top : top + segment.shape[1], left : left + segment.shape[2]]
        place[...] = segment[0, : place.shape[0], : place.shape[1]]
        sound += 1
    return np.moveaxis(samples, 0, -2).reshape(page.imagelength, page.imagewidth, -1), sound, len(segments)


def _decoded(page: Any, file: BinaryIO) -> Image.Image:
    size = file_size(file)
    segments = zip(page.dataoffsets, page.databytecounts, strict=False)
    if not page.dataoffsets or any(not start or not count or start + count > size for start, count in segments):
        raise ImageError(Reason.TRUNCATED, "the file ends before the end of its picture data")
    try:
        samples = np.asarray(page.asarray(maxworkers=1))
    except (KeyError, ValueError) as error:
        # tifffile has no exception of its own for what it does not support
        if "not supported" in str(error) or "not implemented" in str(error) or isinstance(error, KeyError):
            raise ImageError(Reason.UNSUPPORTED, f"{_unsupported(page)} ({error})") from error
        raise
    if page.planarconfig == _PLANAR and page.samplesperpixel > 1:
        samples = np.moveaxis(samples, 0, -1)
    if samples.shape[:2] != (page.imagelength, page.imagewidth) or samples.ndim > 3:
        raise ImageError(Reason.UNSUPPORTED, _unsupported(page))
    return _picture(page, samples if samples.ndim == 3 else samples[..., np.newaxis])


def _picture(page: Any, samples: np.ndarray) -> Image.Image:
    if page.photometric in (_CIE_LAB, _ICC_LAB) and samples.shape[2] >= 3:
        return _lab_picture(samples[..., :3], is_signed=page.photometric == _CIE_LAB)
    bits = page.bitspersample if samples.dtype.kind == "u" else None
    eight = to_eight_bits(samples, bits)
    if page.photometric == _SEPARATED:
        if eight.shape[2] < 4:
            raise ImageError(Reason.UNSUPPORTED, _unsupported(page))
        return Image.fromarray(np.ascontiguousarray(eight[..., :4]), "CMYK")
    colours = 3 if page.photometric not in (0, 1) else 1
    if page.photometric == _WHITE_IS_ZERO:
        eight = 255 - eight
    has_alpha = eight.shape[2] > colours and bool(page.extrasamples) and page.extrasamples[0] in (1, 2)
    return picture_of(eight[..., : colours + has_alpha])


def _lab_picture(samples: np.ndarray, is_signed: bool) -> Image.Image:
    """Lab of 8 or 16 bits per sample; a and b are signed, or have an offset (TIFF 6.0, and its first supplement)."""
    if samples.dtype.kind != "u" or samples.dtype.itemsize > 2:
        raise ImageError(Reason.UNSUPPORTED, f"Lab with samples of type {samples.dtype} is not supported")
    eight = (samples >> 8 * (samples.dtype.itemsize - 1)).astype(np.uint8)
    if not is_signed:
        eight[..., 1:] ^= 0x80
    return Image.frombytes("LAB", (eight.shape[1], eight.shape[0]), np.ascontiguousarray(eight).tobytes())


def _unsupported(page: Any) -> str:
    parts = (
        f"photometric interpretation {int(page.photometric)}",
        f"compression {int(page.compression)}",
        f"{page.samplesperpixel} samples of {page.bitspersample} bits per pixel",
    )
    return f"a TIFF with {', '.join(parts)} is not supported"


def _tag(page: Any, number: int) -> object:
    tag = page.tags.get(number)
    return None if tag is None else tag.value
