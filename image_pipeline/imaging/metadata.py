"""Metadata of a photograph: size, time, position, camera, exposure, title, description, keywords and rating."""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import BinaryIO, TypeVar

from image_pipeline.imaging.decode import identify
from image_pipeline.imaging.embedded import Embedded, embedded_in_picture, embedded_in_raw
from image_pipeline.imaging.picture import open_picture, stored_orientation
from image_pipeline.imaging.position import Position, position_of_exif, position_of_xmp
from image_pipeline.imaging.raster import ORIENTATION_TAG, displayed_size, valid_orientation
from image_pipeline.imaging.raw import open_raw, raw_size
from image_pipeline.imaging.source_file import AnyPath, open_image
from image_pipeline.imaging.taken_at import change_time_of_exif, exposure_time_of_exif, iso_time, time_of_gps
from image_pipeline.imaging.values import number, text, windows_text
from image_pipeline.imaging.xmp import XmpProperties, xmp_properties
from image_pipeline.schema.formats import ImageFormat
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import ImageError, Reason

_REVISION = 3
"""Bump when this package reads different metadata from the same file."""

_MAKE, _MODEL, _LENS, _DESCRIPTION, _RATING = 0x010F, 0x0110, 0xA434, 0x010E, 0x4746
_EXPOSURE, _F_NUMBER, _FOCAL_LENGTH = 0x829A, 0x829D, 0x920A
_ISO_TAGS, _PANASONIC_ISO = (0x8827, 0x8833, 0x8832), 0x17
_ISO_TOO_LARGE_FOR_TAG = 65535
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS = 0x9C9B, 0x9C9C, 0x9C9E
_IPTC_TITLE, _IPTC_DESCRIPTION, _IPTC_KEYWORDS, _IPTC_DATE, _IPTC_TIME = (2, 5), (2, 120), (2, 25), (2, 55), (2, 60)

# Together, these keep one photograph's metadata within what a pipe accepts in one write, in any encoding.
_MAX_TITLE, _MAX_DESCRIPTION, _MAX_KEYWORDS, _MAX_KEYWORD = 300, 2000, 64, 80

T = TypeVar("T")


def metadata_version() -> str:
    """The version of the metadata reader: a text that changes whenever a file may yield different metadata."""
    libraries = " ".join(f"{name}-{version(name)}" for name in ("pillow", "pillow-heif", "rawpy"))
    return f"metadata-{_REVISION} {libraries}"


def read_metadata(path: AnyPath, limits: DecodeLimits | None = None) -> ImageMetadata:
    """The metadata of the file at `path`, from its headers alone. Never raises: what cannot be read is left out."""
    try:
        with open_image(path) as file:
            return metadata_of(file, limits)
    except (OSError, ValueError, ImageError, MemoryError):  # ValueError: a NUL in the path
        return ImageMetadata()


def metadata_of(file: BinaryIO, limits: DecodeLimits | None = None) -> ImageMetadata:
    """The metadata of an open file; empty if the file is damaged.

    Raises OSError if the file cannot be read at all, MemoryError if memory runs out, and ImageError if the file has
    more pixels than allowed, since decoders allocate memory for them as soon as they see the header.
    """
    file.read(1)
    max_pixels = (limits or DecodeLimits()).pixels
    try:
        image_format = identify(file)
        if image_format is ImageFormat.RAW:
            return _of_raw(file)
        return _of_picture(file, image_format, max_pixels)
    except MemoryError:
        raise
    except Exception as error:  # the file may hold anything; without metadata, a photograph is still a photograph
        if isinstance(error, ImageError) and error.reason is Reason.TOO_MANY_PIXELS:
            raise
        return ImageMetadata()


def _of_picture(file: BinaryIO, image_format: ImageFormat, max_pixels: int) -> ImageMetadata:
    image = open_picture(file, image_format, max_pixels)
    embedded = _attempt(Embedded(), embedded_in_picture, file, image_format, image)
    if image_format in (ImageFormat.PNG, ImageFormat.TIFF):
        orientation = valid_orientation(embedded.base.get(ORIENTATION_TAG))
    else:
        orientation = stored_orientation(image)
    # For a TIFF, Pillow already gives the size as displayed.
    size = image.size if image_format is ImageFormat.TIFF else displayed_size(*image.size, orientation)
    return _collect(embedded, size, orientation)


def _of_raw(file: BinaryIO) -> ImageMetadata:
    embedded = _attempt(Embedded(), embedded_in_raw, file)
    size = _attempt(None, _size_of_raw, file)
    return _collect(embedded, size, valid_orientation(embedded.base.get(ORIENTATION_TAG)))


def _size_of_raw(file: BinaryIO) -> tuple[int, int]:
    with open_raw(file) as raw:
        return raw_size(raw)


def _attempt(default: T, read: Callable[..., T], *arguments: object) -> T:
    try:
        return read(*arguments)
    except MemoryError:
        raise
    except Exception:  # one damaged block must not hide the others
        return default


def _collect(embedded: Embedded, size: tuple[int, int] | None, orientation: int) -> ImageMetadata:
    base, photo = embedded.base, embedded.photo
    xmp: XmpProperties = _attempt({}, xmp_properties, embedded.xmp) if embedded.xmp else {}
    position = _position(embedded, xmp)
    rating = number(_first(xmp, "xmp:Rating") or base.get(_RATING), -1, 5)
    return ImageMetadata(
        width=size[0] if size else None,
        height=size[1] if size else None,
        orientation=orientation,
        taken_at=_taken_at(embedded, xmp),
        camera_make=text(base.get(_MAKE)) or text(_first(xmp, "tiff:Make")),
        camera_model=text(base.get(_MODEL)) or text(_first(xmp, "tiff:Model")),
        lens=text(photo.get(_LENS)) or text(_first(xmp, "exifEX:LensModel")) or text(_first(xmp, "aux:Lens")),
        iso=_iso(base, photo),
        exposure_s=number(photo.get(_EXPOSURE), 1e-7, 1e6),
        f_number=number(photo.get(_F_NUMBER), 0.5, 1000),
        focal_length_mm=number(photo.get(_FOCAL_LENGTH), 0.1, 20_000),
        latitude=position.latitude if position else None,
        longitude=position.longitude if position else None,
        altitude_m=position.altitude_m if position else None,
        title=_title(embedded, xmp),
        description=_description(embedded, xmp),
        keywords=_keywords(embedded, xmp),
        rating=int(rating) if rating is not None else None,
    )


def _taken_at(embedded: Embedded, xmp: XmpProperties) -> str | None:
    return (
        exposure_time_of_exif(embedded.base, embedded.photo)
        or iso_time(_first(xmp, "exif:DateTimeOriginal"))
        or iso_time(_first(xmp, "photoshop:DateCreated"))
        or iso_time(_first(xmp, "xmp:CreateDate"))
        or _iptc_time(embedded)
        or time_of_gps(embedded.gps)
        or iso_time(_first(xmp, "exif:GPSTimeStamp"))
        or change_time_of_exif(embedded.base, embedded.photo)
    )


def _iptc_time(embedded: Embedded) -> str | None:
    date, clock = text(embedded.iptc.get(_IPTC_DATE)), text(embedded.iptc.get(_IPTC_TIME)) or "000000"
    if date is None or len(date) != 8 or len(clock) < 6:
        return None
    return iso_time(f"{date[:4]}-{date[4:6]}-{date[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:6]}{clock[6:]}")


def _position(embedded: Embedded, xmp: XmpProperties) -> Position | None:
    return position_of_exif(embedded.gps) or position_of_xmp(
        _first(xmp, "exif:GPSLatitude"), _first(xmp, "exif:GPSLongitude")
    )


def _iso(base: dict[int, object], photo: dict[int, object]) -> int | None:
    candidates = [photo.get(tag) for tag in _ISO_TAGS] + [base.get(_PANASONIC_ISO)]
    for value in candidates:
        iso = number(value, 1, 10_000_000)
        if iso is not None and iso != _ISO_TOO_LARGE_FOR_TAG:
            return int(iso)
    return None


def _title(embedded: Embedded, xmp: XmpProperties) -> str | None:
    return (
        text(_first(xmp, "dc:title"), _MAX_TITLE)
        or text(_single(embedded.iptc.get(_IPTC_TITLE)), _MAX_TITLE)
        or windows_text(embedded.base.get(_XP_TITLE), _MAX_TITLE)
    )


def _description(embedded: Embedded, xmp: XmpProperties) -> str | None:
    return (
        text(_first(xmp, "dc:description"), _MAX_DESCRIPTION)
        or text(_single(embedded.iptc.get(_IPTC_DESCRIPTION)), _MAX_DESCRIPTION)
        or text(embedded.base.get(_DESCRIPTION), _MAX_DESCRIPTION)
        or windows_text(embedded.base.get(_XP_COMMENT), _MAX_DESCRIPTION)
    )


def _keywords(embedded: Embedded, xmp: XmpProperties) -> tuple[str, ...]:
    """The keywords of XMP, IPTC and Windows' EXIF tags, in this order, each once."""
    iptc = embedded.iptc.get(_IPTC_KEYWORDS, [])
    windows = (windows_text(embedded.base.get(_XP_KEYWORDS), _MAX_DESCRIPTION) or "").split(";")
    every: Iterable[object] = (*xmp.get("dc:subject", ()), *(iptc if isinstance(iptc, list) else [iptc]), *windows)
    cleaned = (text(keyword, _MAX_KEYWORD) for keyword in every)
    return tuple(dict.fromkeys(keyword for keyword in cleaned if keyword))[:_MAX_KEYWORDS]


def _first(xmp: XmpProperties, name: str) -> str | None:
    values = xmp.get(name)
    return values[0] if values else None


def _single(value: bytes | list[bytes] | None) -> bytes | None:
    return (value[0] if value else None) if isinstance(value, list) else value
