"""Metadata agree with ExifTool, except for the differences that are listed here, each with its reason."""

import os
import shutil
from pathlib import Path

import pytest

from image_pipeline_tests.support.agreement import (
    BY_CAMERA,
    ENCODING,
    HOUR_24,
    KNOWN_PART,
    NO_DATE,
    NO_NUMBER,
    NO_SECONDS,
    OFFSET,
    SIGN,
    differences,
    pictures_below,
)
from image_pipeline_tests.support.described import described
from image_pipeline_tests.support.scenes import write

# Pillow reports each oddity that it finds in a header.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

DIFFERENCES = {
    ("year.jpg", "taken_at"): KNOWN_PART,
    ("month.jpg", "taken_at"): KNOWN_PART,
    ("minute.jpg", "taken_at"): KNOWN_PART,
    ("iptc-year.jpg", "taken_at"): KNOWN_PART,
    ("xmp-year.jpg", "taken_at"): KNOWN_PART,
    ("hour-24.jpg", "taken_at"): HOUR_24,
    ("second-70.jpg", "taken_at"): NO_DATE,
    ("zeros.jpg", "taken_at"): NO_DATE,
    ("offset-of-change.jpg", "taken_at"): OFFSET,
    ("xmp-offset.jpg", "taken_at"): OFFSET,
    ("negative.jpg", "place"): SIGN,
    ("xmp-decimal.jpg", "place"): SIGN,
    ("zero-by-zero.jpg", "place"): NO_SECONDS,
    ("xmp-absurd.jpg", "iso"): NO_NUMBER,
    ("xmp-absurd.jpg", "exposure_s"): NO_NUMBER,
    ("xmp-absurd.jpg", "f_number"): NO_NUMBER,
    ("xmp-absurd.jpg", "focal_length_mm"): NO_NUMBER,
    ("default.jpg", "description"): BY_CAMERA,
    ("japanese.jpg", "description"): ENCODING,
}
"""The files and fields whose value differs from ExifTool's, and why."""

CORPUS = "IMAGE_PIPELINE_TESTS_CORPUS"


@pytest.fixture(scope="module")
def exiftool() -> str:
    found = shutil.which("exiftool")
    if found is None:
        message = "ExifTool is not installed (apt install libimage-exiftool-perl)"
        if os.environ.get("IMAGE_PIPELINE_TESTS_NEED_EXIFTOOL"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def test_the_reader_agrees_with_exiftool(exiftool: str, tmp_path: Path) -> None:
    paths = [write(tmp_path, name, content) for name, content in described().items()]
    found = differences(exiftool, paths)
    assert {key: one for key, one in found.items() if one.reason is None} == {}
    reasons = {(path.name, field): one.reason for (path, field), one in found.items()}
    assert reasons == DIFFERENCES, "a difference that no longer occurs is removed from the list"


def test_the_reader_agrees_with_exiftool_over_a_folder_of_photographs(exiftool: str) -> None:
    folder = os.environ.get(CORPUS)
    if not folder:
        pytest.skip(f"{CORPUS} names no folder of photographs")
    paths = pictures_below(Path(folder))
    assert paths, f"{folder} holds no pictures"
    assert {key: one for key, one in differences(exiftool, paths).items() if one.reason is None} == {}
