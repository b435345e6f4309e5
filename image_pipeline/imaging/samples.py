"""Arrays of samples, as codecs outside Pillow deliver them, as pictures of 8 bits."""

import numpy as np
from PIL import Image

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def to_eight_bits(samples: np.ndarray, bits: int | None = None) -> np.ndarray:
    """`samples` of any number type, scaled to uint8; their shape is kept.

    Integers are scaled from their type's range, or from `bits` per sample if it is given. The white of floating-point
    samples is the lowest of 1, 255 and 65535 that no value exceeds; if none fits, or there are values below 0, their
    own range is used.
    """
    if samples.dtype == np.uint8 and bits in (None, 8):
        return samples
    if samples.dtype.kind in "iu":
        least, most = np.iinfo(samples.dtype).min, np.iinfo(samples.dtype).max
        if bits is not None and least == 0:
            most = (1 << bits) - 1
        return _scaled(samples.astype(np.float32), float(least), float(most))
    values = samples.astype(np.float32, copy=False)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = float(values[finite].min()), float(values[finite].max())
    white = next((limit for limit in (1.0, 255.0, 65535.0) if low >= 0.0 and high <= limit), None)
    if white is not None:
        low, high = 0.0, white
    return _scaled(np.where(finite, values, np.float32(low)), low, high)


def picture_of(samples: np.ndarray) -> Image.Image:
    """uint8 `samples` of shape `[height, width]` or `[height, width, bands]` as a picture.

    One band is grey, two are grey and alpha, three are RGB, four are RGB and alpha; more bands are ignored.
    """
    if samples.ndim == 2:
        samples = samples[..., np.newaxis]
    mode = _MODES[min(samples.shape[2], 4)]
    bands = samples[..., : len(mode)]
    return Image.fromarray(np.ascontiguousarray(bands[..., 0] if mode == "L" else bands))


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    values -= np.float32(low)
    values *= np.float32(255.0 / ((high - low) or 1.0))
    np.rint(values, out=values)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)
