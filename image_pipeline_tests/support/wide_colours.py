"""Pictures in colour spaces that a file names by code points (ITU-T H.273), converted by the published formulas."""

import struct

import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image

from image_pipeline_tests.support.scenes import encoded
from image_pipeline_tests.support.specimens import png_chunk

SRGB, PQ, HLG, LINEAR = 13, 16, 18, 8
BT_709, BT_2020, P3 = 1, 9, 12

_TO_BT_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
_TO_P3 = np.array([[0.8225, 0.1774, 0.0000], [0.0332, 0.9669, 0.0000], [0.0171, 0.0724, 0.9108]])
"""From linear BT.709 (ITU-R BT.2087, and the CSS Color Module)."""
_MATRICES = {BT_709: np.eye(3), BT_2020: _TO_BT_2020, P3: _TO_P3}


def coded(picture: Image.Image, primaries: int, transfer: int, brighter: float = 1.0) -> np.ndarray:
    """The values, from 0 to 1, of an sRGB picture in another colour space; its white has 203 cd/m²."""
    values = np.asarray(picture.convert("RGB")) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) * brighter
    linear = np.clip(linear @ _MATRICES[primaries].T, 0, None)
    if transfer == PQ:
        power = (linear * 203 / 10_000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    if transfer == HLG:
        displayed = linear * 203 / 1000
        luminance = np.maximum(displayed @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
        scene = displayed * luminance ** (1 / 1.2 - 1)
        return np.where(
            scene <= 1 / 12,
            np.sqrt(3 * scene),
            0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073,
        )
    if transfer == LINEAR:
        return linear
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def png(picture: Image.Image, primaries: int, transfer: int, brighter: float = 1.0, profile: bytes = b"") -> bytes:
    """A PNG of 16 bits per sample with a chunk `cICP`."""
    values = np.rint(np.clip(coded(picture, primaries, transfer, brighter), 0, 1) * 65535).astype(np.uint16)
    content = bytes(imagecodecs.png_encode(values))
    chunks = png_chunk(b"cICP", bytes((primaries, transfer, 0, 1)))
    if profile:
        chunks += encoded_profile(profile)
    at = content.index(b"IDAT") - 4
    return content[:at] + chunks + content[at:]


def encoded_profile(profile: bytes) -> bytes:
    """The chunk `iCCP` of a profile."""
    content = encoded(Image.new("L", (1, 1)), "PNG", icc_profile=profile)
    at = content.index(b"iCCP") - 4
    (length,) = struct.unpack(">L", content[at : at + 4])
    return content[at : at + 12 + length]


def avif(picture: Image.Image, primaries: int, transfer: int) -> bytes:
    """An AVIF of 10 bits per sample with an `nclx` box."""
    values = np.rint(np.clip(coded(picture, primaries, transfer), 0, 1) * 1023).astype(np.uint16)
    return bytes(
        imagecodecs.avif_encode(
            values, 100, speed=9, bitspersample=10, pixelformat="444", primaries=primaries, transfer=transfer, matrix=9
        )
    )


def heic(picture: Image.Image, primaries: int, transfer: int) -> bytes:
    """A HEIC of 8 bits per sample with an `nclx` box."""
    values = np.rint(np.clip(coded(picture, primaries, transfer), 0, 1) * 255).astype(np.uint8)
    options = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 6}
    pillow_heif.register_heif_opener()
    return encoded(Image.fromarray(values), "HEIF", quality=98, chroma=444, save_nclx_profile=True, **options)


ENCODERS = {"png": png, "avif": avif, "heic": heic}
