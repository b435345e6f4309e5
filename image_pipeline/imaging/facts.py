"""The facts about a photograph from the metadata blocks of its file, or of another file about it."""

from image_pipeline.imaging.attempt import attempt
from image_pipeline.imaging.descriptions import description, user_comment
from image_pipeline.imaging.embedded import Embedded
from image_pipeline.imaging.position import position_of_exif, position_of_xmp
from image_pipeline.imaging.taken_at import taken_at
from image_pipeline.imaging.values import exif_text, first, number, rational, text, windows_text
from image_pipeline.imaging.words import keywords_of, people_of
from image_pipeline.imaging.xmp import Xmp, read_xmp
from image_pipeline.schema.image_metadata import ImageMetadata

_MAKE, _MODEL, _LENS, _DESCRIPTION, _RATING = 0x010F, 0x0110, 0xA434, 0x010E, 0x4746
_EXPOSURE, _F_NUMBER, _FOCAL_LENGTH, _USER_COMMENT = 0x829A, 0x829D, 0x920A, 0x9286
_ISO_TAGS, _PANASONIC_ISO = (0x8827, 0x8833, 0x8832), 0x17
_ISO_TOO_LARGE_FOR_TAG = 65535
_XMP_ISO = ("exifEX:PhotographicSensitivity", "exif:ISOSpeedRatings")
_XP_TITLE, _XP_COMMENT = 0x9C9B, 0x9C9C
_IPTC_TITLE, _IPTC_DESCRIPTION = (2, 5), (2, 120)
_IPTC_CITY, _IPTC_STATE, _IPTC_COUNTRY = (2, 90), (2, 95), (2, 101)
_MAX_TITLE, _MAX_DESCRIPTION = 300, 2000
_LOCATIONS = ("Iptc4xmpExt:LocationCreated", "Iptc4xmpExt:LocationShown")


def facts_of(embedded: Embedded, size: tuple[int, int] | None = None, orientation: int | None = None) -> ImageMetadata:
    """The facts in `embedded`, for a picture of `size` (width, height as displayed).

    A damaged XMP packet is ignored.
    """
    xmp = attempt(Xmp(), read_xmp, embedded.xmp) if embedded.xmp else Xmp()
    return facts_with(xmp, embedded, size, orientation)


def facts_with(
    xmp: Xmp, embedded: Embedded, size: tuple[int, int] | None = None, orientation: int | None = None
) -> ImageMetadata:
    """As `facts_of`, with the properties of an XMP packet that was read before."""
    base = embedded.base
    photo = {**base, **embedded.photo}  # RAWs and some programs write the tags of the second directory into the first
    position = position_of_exif(embedded.gps) or position_of_xmp(xmp)
    rating = number(xmp.first("xmp:Rating") or base.get(_RATING), -1, 5)
    taken = taken_at(embedded, xmp)
    keywords = keywords_of(embedded, xmp)
    return ImageMetadata(
        width=size[0] if size else None,
        height=size[1] if size else None,
        orientation=orientation,
        taken_at=taken[0].iso if taken else None,
        taken_from=str(taken[1]) if taken else None,
        taken_precision=str(taken[0].precision) if taken else None,
        camera_make=exif_text(base.get(_MAKE)) or text(xmp.first("tiff:Make")),
        camera_model=exif_text(base.get(_MODEL)) or text(xmp.first("tiff:Model")),
        lens=exif_text(photo.get(_LENS)) or text(xmp.first("exifEX:LensModel")) or text(xmp.first("aux:Lens")),
        iso=_iso(base, photo, xmp),
        exposure_s=_number(photo.get(_EXPOSURE), xmp, "exif:ExposureTime", 1e-7, 1e6),
        f_number=_number(photo.get(_F_NUMBER), xmp, "exif:FNumber", 0.5, 1000),
        focal_length_mm=_number(photo.get(_FOCAL_LENGTH), xmp, "exif:FocalLength", 0.1, 20_000),
        latitude=position.latitude if position else None,
        longitude=position.longitude if position else None,
        altitude_m=position.altitude_m if position else None,
        city=_place_name(embedded, xmp, "photoshop:City", _IPTC_CITY, "Iptc4xmpExt:City"),
        state=_place_name(embedded, xmp, "photoshop:State", _IPTC_STATE, "Iptc4xmpExt:ProvinceState"),
        country=_place_name(embedded, xmp, "photoshop:Country", _IPTC_COUNTRY, "Iptc4xmpExt:CountryName"),
        title=_title(embedded, xmp),
        description=_description(embedded, xmp),
        keywords=keywords.kept,
        keywords_omitted=keywords.omitted or None,
        people=people_of(xmp),
        rating=int(rating) if rating is not None else None,
    )


def _number(value: object, xmp: Xmp, name: str, low: float, high: float) -> float | None:
    """The number of an EXIF tag; if it has none within the limits, that of the property `name` of XMP."""
    found = number(value, low, high)
    return number(rational(xmp.first(name)), low, high) if found is None else found


def _iso(base: dict[int, object], photo: dict[int, object], xmp: Xmp) -> int | None:
    candidates = [photo.get(tag) for tag in _ISO_TAGS] + [base.get(_PANASONIC_ISO)]
    candidates += [rational(xmp.first(name)) for name in _XMP_ISO]
    for value in candidates:
        iso = number(value, 1, 10_000_000)
        if iso is not None and iso != _ISO_TOO_LARGE_FOR_TAG:
            return int(iso)
    return None


def _place_name(embedded: Embedded, xmp: Xmp, name: str, iptc: tuple[int, int], extended: str) -> str | None:
    structures = (structure.get(extended) for location in _LOCATIONS for structure in xmp.structures.get(location, ()))
    candidates = (xmp.first(name), embedded.iptc.get(iptc), *structures)
    return next((found for found in map(text, candidates) if found), None)


def _title(embedded: Embedded, xmp: Xmp) -> str | None:
    return (
        text(xmp.first("dc:title"), _MAX_TITLE)
        or text(first(embedded.iptc.get(_IPTC_TITLE)), _MAX_TITLE)
        or windows_text(embedded.base.get(_XP_TITLE), _MAX_TITLE)
        or text(embedded.texts.get("title"), _MAX_TITLE)
    )


def _description(embedded: Embedded, xmp: Xmp) -> str | None:
    candidates = (
        text(xmp.first("dc:description"), _MAX_DESCRIPTION),
        text(first(embedded.iptc.get(_IPTC_DESCRIPTION)), _MAX_DESCRIPTION),
        exif_text(embedded.base.get(_DESCRIPTION), _MAX_DESCRIPTION),
        user_comment(embedded.photo.get(_USER_COMMENT), embedded.is_big_endian, _MAX_DESCRIPTION),
        text(xmp.first("exif:UserComment"), _MAX_DESCRIPTION),
        windows_text(embedded.base.get(_XP_COMMENT), _MAX_DESCRIPTION),
        text(embedded.texts.get("description"), _MAX_DESCRIPTION),
    )
    return next((found for found in map(description, candidates) if found), None)
