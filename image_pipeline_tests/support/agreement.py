"""Agreement of the metadata reader with ExifTool: the same fields of a file as both read them, and the differences.

`python -m image_pipeline_tests.support.agreement FOLDER…` prints every difference over the pictures below some folders,
with its reason, and the number of files by field: how many have the field, and in how many of them both agree.
"""

import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from image_pipeline.imaging.decode import identify
from image_pipeline.imaging.descriptions import description
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.outcome import ImageError

Values = Mapping[str, Any]

_DATES = (
    *("Composite:SubSecDateTimeOriginal", "ExifIFD:DateTimeOriginal", "IFD0:DateTimeOriginal"),
    *("XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated", "Composite:DateTimeCreated", "IPTC:DateCreated"),
    *("Composite:SubSecCreateDate", "ExifIFD:CreateDate", "XMP-exif:DateTimeDigitized", "XMP-xmp:CreateDate"),
    *("Composite:DigitalCreationDateTime", "Composite:GPSDateTime", "XMP-exif:GPSDateTime"),
    *("PNG:CreationTime", "IFD0:ModifyDate"),
)
_EXIF = ("ExifIFD", "IFD0")
_NUMBERS = {
    "iso": ("ISO", "RecommendedExposureIndex", "StandardOutputSensitivity"),
    "exposure_s": ("ExposureTime",),
    "f_number": ("FNumber",),
    "focal_length_mm": ("FocalLength",),
}
_LEAST = {"iso": 1, "exposure_s": 1e-7, "f_number": 0.5, "focal_length_mm": 0.1}
_IN_XMP = {
    "iso": ("XMP-exifEX:PhotographicSensitivity", "XMP-exif:ISO"),
    "exposure_s": ("XMP-exif:ExposureTime",),
    "f_number": ("XMP-exif:FNumber",),
    "focal_length_mm": ("XMP-exif:FocalLength",),
}
_TEXTS = {
    "camera_make": ("IFD0:Make", "XMP-tiff:Make"),
    "camera_model": ("IFD0:Model", "XMP-tiff:Model"),
    "lens": ("ExifIFD:LensModel", "IFD0:LensModel", "XMP-exifEX:LensModel", "XMP-aux:Lens"),
    "title": ("XMP-dc:Title", "IPTC:ObjectName", "IFD0:XPTitle", "PNG:Title"),
    "description": (
        *("XMP-dc:Description", "IPTC:Caption-Abstract", "IFD0:ImageDescription", "ExifIFD:UserComment"),
        *("XMP-exif:UserComment", "IFD0:XPComment", "PNG:Description"),
    ),
    "city": ("XMP-photoshop:City", "IPTC:City"),
    "state": ("XMP-photoshop:State", "IPTC:Province-State"),
    "country": ("XMP-photoshop:Country", "IPTC:Country-PrimaryLocationName"),
}
_PEOPLE = ("XMP-iptcExt:PersonInImage", "XMP-mwg-rs:RegionName", "XMP-MP:RegionPersonDisplayName")
_PATHS = {"XMP-lr:HierarchicalSubject": "|", "XMP-digiKam:TagsList": "/", "XMP-microsoft:LastKeywordXMP": "/"}
_FIELDS = ("taken_at", "place", "altitude_m", *_NUMBERS, *_TEXTS, "keywords", "people", "rating")
_SAME = 1e-6
"""The relative difference up to which two numbers are the same: this package keeps seven digits."""
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_OFFSET = re.compile(r"[+-]\d\d:\d\d$")
_CANON_CRW = b"HEAPCCDR"

KNOWN_PART = "only the known part of a date is kept; ExifTool prints zeros or blanks for the rest"
HOUR_24 = "24:04:20 is what some phones write at 00:04:20; ExifTool prints it as it is"
NO_DATE = "there is no such date, so the next source of a date is used"
OFFSET = "the offset comes from a different tag with the same clock"
SIGN = "a minus sign, or the reference beside a number, says south or west"
NO_SECONDS = "seconds of 0/0 are unknown, and degrees and minutes are kept; ExifTool drops all"
NO_PLACE = "there is no such place"
NO_NUMBER = "there is no such number"
BY_CAMERA = "a camera or a program wrote the description"
ENCODING = "the encoding can only be this one; ExifTool reads UTF-8 alone"
NO_TEXT = "a number is no text"


@dataclass(frozen=True)
class Difference:
    """The value of a field of a file as this package and as ExifTool read it; None if there is none."""

    field: str
    ours: Any
    theirs: Any

    @property
    def reason(self) -> str | None:
        """Why this package reads a different value than ExifTool; None if no reason is known."""
        return next((reason for reason, applies in REASONS.items() if applies(self)), None)


def _is_of_known_part(it: Difference) -> bool:
    theirs = str(it.theirs).rstrip(": ")
    if it.field != "taken_at" or it.ours is None or it.theirs is None:
        return False
    return ("-00" in theirs and it.ours[:4] == theirs[:4]) or (len(theirs) in (4, 16) and it.ours.startswith(theirs))


def _is_impossible_date(it: Difference) -> bool:
    if it.field != "taken_at" or it.theirs is None:
        return False
    try:
        datetime.fromisoformat(it.theirs)
    except ValueError:
        return "-00-" not in it.theirs or it.theirs.startswith("0000")
    return False


def _is_completed(it: Difference) -> bool:
    if it.field != "taken_at" or not (it.ours and it.theirs):
        return False
    return it.ours.startswith(it.theirs) and bool(_OFFSET.match(it.ours.removeprefix(it.theirs)))


def _has_other_signs(it: Difference) -> bool:
    if it.field != "place" or not (it.ours and it.theirs):
        return False
    return is_same(tuple(map(abs, it.ours)), tuple(map(abs, it.theirs)))


def _has_no_seconds(it: Difference) -> bool:
    if it.field != "place" or it.theirs is not None:
        return False
    return all(abs(part * 60 - round(part * 60)) < 1e-5 for part in it.ours)


def _is_nowhere(it: Difference) -> bool:
    if it.field != "place" or it.ours is not None:
        return False
    return abs(it.theirs[0]) > 90 or abs(it.theirs[1]) > 180 or it.theirs == (0, 0)


def _is_absurd(it: Difference) -> bool:
    if it.field not in _LEAST or it.ours is not None:
        return False
    return not isinstance(it.theirs, int | float) or it.theirs < _LEAST[it.field]


REASONS: dict[str, Callable[[Difference], bool]] = {
    KNOWN_PART: _is_of_known_part,
    HOUR_24: (lambda it: it.field == "taken_at" and it.ours == str(it.theirs).replace("T24:", "T00:")),
    NO_DATE: _is_impossible_date,
    OFFSET: _is_completed,
    SIGN: _has_other_signs,
    NO_SECONDS: _has_no_seconds,
    NO_PLACE: _is_nowhere,
    NO_NUMBER: _is_absurd,
    BY_CAMERA: (lambda it: it.field == "description" and it.ours is None and description(it.theirs) is None),
    ENCODING: (lambda it: it.field in _TEXTS and bool(it.ours) and "??" in it.theirs),
    NO_TEXT: lambda it: it.field in _TEXTS and it.ours is None and str(it.theirs).isdigit(),
}
"""All reasons for a difference, each with the condition under which it applies."""


def differences(exiftool: str, paths: Sequence[Path]) -> dict[tuple[Path, str], Difference]:
    """The values that differ, by the file and the field."""
    return {
        (path, field): Difference(field, ours[field], theirs[field])
        for path, ours, theirs in readings(exiftool, paths)
        for field in _FIELDS
        if not is_same(ours[field], theirs[field])
    }


def readings(exiftool: str, paths: Sequence[Path]) -> Iterator[tuple[Path, Values, Values]]:
    """For each file, what this package reads in it, and what ExifTool does."""
    done = subprocess.run([exiftool, "-j", "-n", "-G1", *paths], capture_output=True, text=True)
    tags = {Path(found["SourceFile"]): found for found in json.loads(done.stdout)}
    assert tags.keys() == set(paths), done.stderr
    for path in paths:
        yield path, of_this_package(path), of_exiftool(tags[path])


def pictures_below(folder: Path) -> list[Path]:
    """The files below a folder in which this package looks for metadata; in Canon's CRW, it looks for none."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file, suppress(ImageError):
            identify(file)
            file.seek(0)
            if _CANON_CRW not in file.read(16):
                found.append(path)
    return found


def of_this_package(path: Path) -> dict[str, Any]:
    """The fields of a file that are compared, as this package reads them."""
    metadata = read_metadata(path)
    found = {name: value for name, value in vars(metadata).items() if name in _FIELDS}
    place = None if metadata.latitude is None else (metadata.latitude, metadata.longitude)
    return {**found, "keywords": set(metadata.keywords), "people": set(metadata.people), "place": place}


def of_exiftool(tags: Values) -> dict[str, Any]:
    """The same fields as ExifTool reads them (`-j -n -G1`), each from the tags that this package reads."""
    latitude, longitude = (
        _first(tags, f"Composite:GPS{axis}", f"XMP-exif:GPS{axis}") for axis in ("Latitude", "Longitude")
    )
    numbers = {
        field: _first(tags, *(f"{group}:{name}" for name in names for group in _EXIF), *_IN_XMP[field])
        for field, names in _NUMBERS.items()
    }
    return {
        "taken_at": _iso(_first(tags, *_DATES)),
        "place": None if latitude is None or longitude is None else (latitude, longitude),
        "altitude_m": _first(tags, "Composite:GPSAltitude"),
        **numbers,
        **{field: _on_one_line(_first(tags, *names)) for field, names in _TEXTS.items()},
        "keywords": _keywords(tags),
        "people": set(_listed(tags, *_PEOPLE)),
        "rating": _first(tags, "XMP-xmp:Rating", "IFD0:Rating"),
    }


def is_same(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same: numbers to seven digits, and nothing at all is the same as empty."""
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return all(math.isclose(one, other, rel_tol=0, abs_tol=1e-6) for one, other in zip(ours, theirs, strict=True))
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=_SAME)
    return (ours or None) == (theirs or None) if ours != 0 and theirs != 0 else ours == theirs


def _first(tags: Values, *names: str) -> Any:
    return next((tags[name] for name in names if str(tags.get(name, "")).strip()), None)


def _listed(tags: Values, *names: str) -> Iterator[str]:
    for value in (tags[name] for name in names if name in tags):
        yield from filter(None, map(_on_one_line, value if isinstance(value, list) else [value]))


def _keywords(tags: Values) -> set[str]:
    """The keywords; of a path, the last part and all of it, with slashes."""
    windows = [part.strip() for part in str(tags.get("IFD0:XPKeywords", "")).split(";")]
    found = {*_listed(tags, "XMP-dc:Subject", "IPTC:Keywords"), *filter(None, windows)}
    for name, separator in _PATHS.items():
        for path in _listed(tags, name):
            found |= {path.replace(separator, "/"), path.rsplit(separator, 1)[-1]}
    return found


def _iso(date: Any) -> str | None:
    if date is None:
        return None
    day, _, clock = str(date).replace(" ", "T", 1).partition("T")
    clock = re.sub(r"\.(\d*?)0+(?=\D|$)", lambda match: f".{match[1]}" if match[1] else "", clock)
    return re.sub("[:.]", "-", day) + (f"T{clock}" if clock else "")


def _on_one_line(value: Any) -> str | None:
    return None if value is None else " ".join(_CONTROL_CHARACTERS.sub("", str(value)).split())


def main() -> None:
    """Print the differences over the pictures below the folders that are named, and the agreement by field."""
    paths = [path for folder in sys.argv[1:] for path in pictures_below(Path(folder))]
    present, same, explained = Counter[str](), Counter[str](), Counter[str]()
    for path, ours, theirs in readings("exiftool", paths):
        for field in _FIELDS:
            found = Difference(field, ours[field], theirs[field])
            if is_same(found.ours, found.theirs):
                present[field] += bool(found.ours or found.theirs or found.ours == 0)
                same[field] += bool(found.ours or found.theirs or found.ours == 0)
                continue
            present[field] += 1
            explained[field] += found.reason is not None
            print(f"{path}: {field}: {found.ours!r}, ExifTool {found.theirs!r}: {found.reason or 'UNEXPLAINED'}")
    print(f"\n{'field':16} {'files':>6} {'same':>6} {'explained':>10}")
    for field in _FIELDS:
        print(f"{field:16} {present[field]:6} {same[field]:6} {explained[field]:10}")


if __name__ == "__main__":
    main()
