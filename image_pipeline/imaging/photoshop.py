"""Photoshop's documents (PSD, and PSB for large ones): their composite picture.

Photoshop stores the picture of all layers together at the end of the file, so that other programs need not draw the
layers ("maximize compatibility"). Pillow reads it only from PSD files with 8 bits per sample. Source: Adobe Photoshop
File Formats Specification, November 2019.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from image_pipeline.imaging.samples import to_eight_bits
from image_pipeline.schema.outcome import ImageError, Reason

_HEADER = ">4sH6xHLLHH"
_MODES = {0: ("1", 1), 1: ("L", 1), 2: ("P", 1), 3: ("RGB", 3), 4: ("CMYK", 4), 8: ("L", 1), 9: ("LAB", 3)}
"""Pillow's mode and the number of channels, by colour mode: bitmap, grey, indexed, RGB, CMYK, duotone, Lab."""
_MULTICHANNEL = 7
_TYPES = {8: ">u1", 16: ">u2", 32: ">f4"}
_RAW, _RUNS, _ZIP = 0, 1, 2
_ICC, _VERSION, _EXIF, _XMP = 1039, 1057, 1058, 1060
IPTC_RESOURCE = 1028
_MOST_RESOURCES, _MAX_BLOCK = 4096, 32 << 20


class PsdPicture(ImageFile.ImageFile):
    """A PSD or PSB file for Pillow."""

    format = "PSD"

    def _open(self) -> None:
        assert self.fp is not None
        head = self.fp.read(struct.calcsize(_HEADER))
        if len(head) < struct.calcsize(_HEADER):
            raise ImageError(Reason.TRUNCATED, "the file ends within its header")
        _, version, self._channels, height, width, self._depth, mode = struct.unpack(_HEADER, head)
        if mode == _MULTICHANNEL:
            raise ImageError(Reason.UNSUPPORTED, "Photoshop's multichannel mode is not supported")
        if mode not in _MODES or self._depth not in (1, *_TYPES) or not (width and height):
            raise ImageError(Reason.CORRUPT, f"colour mode {mode} with {self._depth} bits per sample does not exist")
        self._is_large = version == 2
        self._mode, self._needed = _MODES[mode]
        self._size = width, height
        if self._channels < self._needed:
            raise ImageError(Reason.CORRUPT, f"{self._channels} channels are too few for its colour mode")
        colours = _block(self.fp, ">L")  # type: ignore[arg-type]
        if self._mode == "P":
            if len(colours) < 768:
                raise ImageError(Reason.CORRUPT, "the palette is incomplete")
            table = np.frombuffer(colours[:768], np.uint8).reshape(3, 256).T
            self._colours = np.ascontiguousarray(table)
        names = {_ICC: "icc_profile", _EXIF: "exif", _XMP: "xmp", IPTC_RESOURCE: "iptc"}
        for number, content in image_resources(_block(self.fp, ">L")):  # type: ignore[arg-type]
            if number in names:
                self.info[names[number]] = content
            elif number == _VERSION and content[4:5] == b"\0":
                raise ImageError(
                    Reason.UNSUPPORTED, "a Photoshop document that was saved without its composite is not supported"
                )
        size = self.fp.read(8 if self._is_large else 4)
        self._pixels_at = self.fp.tell() + int.from_bytes(size, "big")

    def load(self) -> Any:
        """Decode the composite. Raises ImageError if it cannot be decoded."""
        if self._im is None:
            picture = self._decoded()
            self.im, self._mode = picture.im, picture.mode
        return Image.Image.load(self)

    def _decoded(self) -> Image.Image:
        planes = self._planes()
        if self._mode == "P":
            return Image.fromarray(self._colours[planes[0]])
        if self._mode == "1":
            return Image.fromarray(np.where(np.unpackbits(planes[0], axis=1)[:, : self.width], 0, 255).astype(np.uint8))
        eight = to_eight_bits(planes)
        if self._mode == "L":
            return Image.fromarray(eight[0])
        pixels = np.ascontiguousarray(eight.transpose(1, 2, 0))
        if self._mode == "CMYK":
            pixels = 255 - pixels
        # Pillow stores a and b as signed numbers; files store them with an offset of 128, as in its raw mode for TIFF.
        elif self._mode == "LAB":
            pixels[..., 1:] ^= 0x80
        return Image.frombytes(self._mode, self.size, pixels.tobytes())

    def _planes(self) -> np.ndarray:
        """The samples of the needed channels `[channel, row, column]`; of a bitmap, the packed bytes."""
        assert self.fp is not None
        width, height = self.size
        kind = np.dtype(_TYPES.get(self._depth, ">u1"))
        row_bytes = -(-width // 8) if self._depth == 1 else width * kind.itemsize
        self.fp.seek(self._pixels_at)
        compression = int.from_bytes(self.fp.read(2), "big")
        plane_bytes, total = row_bytes * height, row_bytes * height * self._needed
        if compression == _RAW:
            content = self.fp.read(total)
        elif compression == _RUNS:
            content = self._from_runs(plane_bytes, row_bytes)
        elif compression == _ZIP:
            content = zlib.decompressobj().decompress(self.fp.read(), total)
        else:
            raise ImageError(Reason.UNSUPPORTED, f"Photoshop's compression {compression} is not supported here")
        if len(content) < total:
            raise ImageError(Reason.TRUNCATED, "the picture data ends before the picture is complete")
        samples = np.frombuffer(content, kind).reshape(self._needed, height, -1)
        return samples.astype(samples.dtype.newbyteorder("="), copy=False)

    def _from_runs(self, plane_bytes: int, row_bytes: int) -> bytes:
        """The planes from their rows in PackBits, whose sizes precede them."""
        import imagecodecs  # only few libraries have such a file

        assert self.fp is not None
        rows = self.height * self._channels
        wide = 4 if self._is_large else 2
        table = self.fp.read(wide * rows)
        if len(table) < wide * rows:
            raise ImageError(Reason.TRUNCATED, "the picture data ends before the picture is complete")
        sizes = np.frombuffer(table, f">u{wide}")[: self.height * self._needed].astype(np.int64)
        if sizes.max(initial=0) > 2 * row_bytes + 128:
            raise ImageError(Reason.CORRUPT, "a row is longer than its pixels can be")
        planes = []
        for plane in sizes.reshape(self._needed, self.height):
            packed = self.fp.read(int(plane.sum()))
            if len(packed) < plane.sum():
                raise ImageError(Reason.TRUNCATED, "the picture data ends before the picture is complete")
            unpacked = bytes(imagecodecs.packbits_decode(packed, out=plane_bytes))  # an error if there is more
            if len(unpacked) < plane_bytes:
                raise ImageError(Reason.CORRUPT, "the rows are shorter than the picture is wide")
            planes.append(unpacked)
        return b"".join(planes)


def _block(file: BinaryIO, layout: str) -> bytes:
    """The next block, which its length precedes. Raises ImageError if the file ends within it."""
    size = file.read(struct.calcsize(layout))
    length = int.from_bytes(size, "big")
    content = file.read(min(length, _MAX_BLOCK))
    if len(size) < struct.calcsize(layout) or len(content) < min(length, _MAX_BLOCK):
        raise ImageError(Reason.TRUNCATED, "the file ends within its header")
    file.seek(length - len(content), 1)
    return content


def image_resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    """The image resources by number, up to the first malformed one."""
    at = 0
    for _ in range(_MOST_RESOURCES):
        if block[at : at + 4] not in (b"8BIM", b"MeSa") or at + 12 > len(block):
            return
        number = int.from_bytes(block[at + 4 : at + 6], "big")
        at += 6 + (block[at + 6] + 2) // 2 * 2
        length = int.from_bytes(block[at : at + 4], "big")
        yield number, block[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
