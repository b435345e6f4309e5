"""Colour spaces that a file names by numbers instead of an ICC profile, and their conversion to sRGB.

Files name them by code points for primaries and transfer function (CICP, ITU-T H.273): the `colr` box of type `nclx` in
HEIC and AVIF, the chunk `cICP` in PNG, and the header of JPEG XL. An ICC profile cannot express PQ and HLG (ITU-R
BT.2100), whose values exceed the white of a page; here, they are mapped to what an ordinary display can show.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

_Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of red, green, blue and white (CIE 1931)."""

_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
BT_709: _Chromaticities = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65)
BT_2020: _Chromaticities = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65)
DISPLAY_P3: _Chromaticities = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65)
DCI_P3: _Chromaticities = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_DCI)
_SMPTE_C: _Chromaticities = (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)

_PRIMARIES: dict[int, _Chromaticities] = {
    1: BT_709,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: _SMPTE_C,
    7: _SMPTE_C,
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C),
    9: BT_2020,
    11: DCI_P3,
    12: DISPLAY_P3,
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
_REFERENCE_WHITE = 203.0
"""The luminance of diffuse white in PQ and HLG, in cd/m² (ITU-R BT.2408)."""
_PQ_PEAK, _HLG_PEAK, _HLG_GAMMA = 10_000.0, 1000.0, 1.2
_KNEE = 0.7
"""The linear value up to which a picture with highlights above white is left as it is."""
_NOT_BRIGHTER = 1.02
"""Brightest values up to this one count as white, which eight bits of PQ represent no more exactly."""
_LUMINANCE_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class Transfer(StrEnum):
    """A relation between stored and linear values."""

    SRGB = "srgb"
    LINEAR = "linear"
    GAMMA = "gamma"
    PQ = "pq"
    HLG = "hlg"


_TRANSFERS = {4: (Transfer.GAMMA, 2.2), 5: (Transfer.GAMMA, 2.8), 8: (Transfer.LINEAR, 1.0), 16: (Transfer.PQ, 1.0)}
_TRANSFERS |= {17: (Transfer.GAMMA, 2.6), 18: (Transfer.HLG, 1.0)}


@dataclass(frozen=True)
class ColourSpace:
    """Primaries and white, a transfer function, and its exponent if it is a pure power."""

    primaries: _Chromaticities
    transfer: Transfer
    gamma: float = 1.0

    @property
    def is_srgb(self) -> bool:
        """Whether conversion to sRGB changes nothing."""
        return self.primaries == BT_709 and self.transfer is Transfer.SRGB


def of_code_points(primaries: int, transfer: int) -> ColourSpace | None:
    """The colour space of two CICP code points; None if it is sRGB, or is not specified or not known.

    The transfer functions of video (BT.709, BT.601, BT.2020) count as sRGB's, as in most viewers.
    """
    kind, gamma = _TRANSFERS.get(transfer, (Transfer.SRGB, 1.0))
    space = ColourSpace(_PRIMARIES.get(primaries, BT_709), kind, gamma)
    return None if space.is_srgb else space


def srgb_of(pixels: np.ndarray, space: ColourSpace) -> np.ndarray:
    """uint8 `pixels` `[height, width, 3]` of a colour space as uint8 in sRGB.

    Values brighter than the reference white are compressed into the range above the knee, together, so that no hue
    changes. A picture without such values is converted exactly.
    """
    linear = _linear_values(space.transfer, space.gamma)[pixels]
    if space.transfer is Transfer.HLG:
        luminance = np.maximum(linear @ _LUMINANCE_2020, 1e-6)
        linear *= (_HLG_PEAK / _REFERENCE_WHITE) * luminance[..., np.newaxis] ** np.float32(_HLG_GAMMA - 1)
    linear = np.maximum(linear @ _to_bt_709(space.primaries).T, 0)
    if space.transfer in (Transfer.PQ, Transfer.HLG):
        linear = _with_highlights(linear)
    levels: np.ndarray = np.rint(255 * encoded_as_srgb(linear)).astype(np.uint8)
    return levels


def encoded_as_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear values (0 to 1, or integers from 0 to their type's maximum) with sRGB's transfer function, as float32."""
    values = linear.astype(np.float32)
    if linear.dtype.kind == "u":
        values /= np.float32(np.iinfo(linear.dtype).max)
    values = np.clip(np.nan_to_num(values), 0, 1)
    encoded: np.ndarray = np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** np.float32(1 / 2.4) - 0.055)
    return encoded


def _with_highlights(linear: np.ndarray) -> np.ndarray:
    """`linear` with its brightest values brought down to 1."""
    brightest = linear.max(axis=-1)
    peak = float(brightest.max(initial=0))
    if peak <= _NOT_BRIGHTER:
        return linear
    # Reinhard's extended curve above the knee: its slope is 1 at the knee, and it ends at 1 for the peak.
    above, span = np.maximum(brightest - _KNEE, 0) / (1 - _KNEE), (peak - _KNEE) / (1 - _KNEE)
    curve = _KNEE + (1 - _KNEE) * above * (1 + above / span**2) / (1 + above)
    factor = np.where(brightest > _KNEE, curve / np.maximum(brightest, 1e-6), 1)
    mapped: np.ndarray = linear * factor[..., np.newaxis]
    return mapped


@lru_cache(maxsize=16)
def _linear_values(transfer: Transfer, gamma: float) -> np.ndarray:
    """The linear value of each of the 256 stored ones; 1 is the reference white, or for HLG the scene's peak."""
    stored = np.linspace(0, 1, 256)
    match transfer:
        case Transfer.PQ:  # ITU-R BT.2100, table 4
            power = stored ** (1 / 78.84375)
            ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
            linear = ratio ** (1 / 0.1593017578125) * (_PQ_PEAK / _REFERENCE_WHITE)
        case Transfer.HLG:  # table 5
            a, b, c = 0.17883277, 0.28466892, 0.55991073
            linear = np.where(stored <= 0.5, stored**2 / 3, (np.exp((stored - c) / a) + b) / 12)
        case Transfer.LINEAR:
            linear = stored
        case Transfer.GAMMA:
            linear = stored**gamma
        case _:
            linear = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


@lru_cache(maxsize=16)
def _to_bt_709(primaries: _Chromaticities) -> np.ndarray:
    """The matrix from linear values of `primaries` to those of BT.709, adapted to its white (Bradford)."""
    there, back = _to_xyz(primaries), np.linalg.inv(_to_xyz(BT_709))
    source, target = _BRADFORD @ there.sum(axis=1), _BRADFORD @ _to_xyz(BT_709).sum(axis=1)
    adaptation = np.linalg.inv(_BRADFORD) @ np.diag(target / source) @ _BRADFORD
    matrix: np.ndarray = (back @ adaptation @ there).astype(np.float32)
    return matrix


def _to_xyz(primaries: _Chromaticities) -> np.ndarray:
    xy = np.array(primaries).reshape(4, 2)
    xyz = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(axis=1)) / xy[:, 1]])
    colours: np.ndarray = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    return colours
