"""EXIF of demo pictures, like a camera's: maker, model, lens, exposure, date, position and orientation."""

from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

_CAMERAS = (
    ("Demo", "Demo Mirrorless 5", "Demo 35mm F1.8"),
    ("Demo", "Demo Compact 2", "Demo 24-70mm F2.8-4"),
    ("Sample Optics", "Sample Phone 12", "Sample Phone 12 back camera 4.2mm f/1.6"),
)
# Berlin, Lisbon, Kyoto, Wellington: degrees north and east
_PLACES = ((52.5200, 13.4050), (38.7223, -9.1393), (35.0116, 135.7681), (-41.2866, 174.7756))

_BEGIN = datetime(2023, 1, 1, 8, 0, 0)

# How the pixels are transposed for each orientation, so that viewers show them upright (EXIF 2.32, tag 274).
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def exif_of(picture: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, Image.Exif]:
    """A picture as a camera stores it, in a random orientation, and its EXIF; one in three has a GPS position."""
    make, model, lens = _CAMERAS[rng.integers(len(_CAMERAS))]
    orientation = int(rng.choice([1, 1, 1, 1, *range(2, 9)]))
    taken = _BEGIN + timedelta(seconds=int(rng.integers(2 * 365 * 86_400)))
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = make
    exif[ExifTags.Base.Model] = model
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.DateTime] = f"{taken:%Y:%m:%d %H:%M:%S}"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = f"{taken:%Y:%m:%d %H:%M:%S}"
    details[ExifTags.Base.OffsetTimeOriginal] = "+01:00"
    details[ExifTags.Base.LensModel] = lens
    details[ExifTags.Base.ISOSpeedRatings] = int(rng.choice([100, 200, 400, 800, 1600]))
    details[ExifTags.Base.ExposureTime] = IFDRational(1, int(rng.choice([60, 125, 250, 500])))
    details[ExifTags.Base.FNumber] = IFDRational(int(rng.choice([18, 28, 40, 56, 80])), 10)
    details[ExifTags.Base.FocalLength] = IFDRational(int(rng.choice([24, 35, 50, 70])), 1)
    if rng.random() < 1 / 3:
        _add_place(exif, rng)
    turned = _STORED[orientation]
    return (picture if turned is None else picture.transpose(turned)), exif


def _add_place(exif: Image.Exif, rng: np.random.Generator) -> None:
    latitude, longitude = np.array(_PLACES[rng.integers(len(_PLACES))]) + rng.normal(0, 0.02, 2)
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N" if latitude >= 0 else "S"
    place[ExifTags.GPS.GPSLatitude] = _sexagesimal(abs(latitude))
    place[ExifTags.GPS.GPSLongitudeRef] = "E" if longitude >= 0 else "W"
    place[ExifTags.GPS.GPSLongitude] = _sexagesimal(abs(longitude))


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    minutes, seconds = divmod(Fraction(round(degrees * 360_000), 100), 60)
    whole, minutes = divmod(minutes, 60)
    return IFDRational(int(whole), 1), IFDRational(int(minutes), 1), IFDRational(int(seconds * 100), 100)
