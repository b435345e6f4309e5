"""The name of a camera, as people write it."""

import pytest

from image_pipeline.schema.camera import camera_name


@pytest.mark.parametrize(
    ("make", "model", "name"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("OLYMPUS IMAGING CORP.", "E-M5", "OLYMPUS E-M5"),
        ("OLYMPUS OPTICAL CO.,LTD", "C4040Z", "OLYMPUS C4040Z"),
        ("EASTMAN KODAK COMPANY", "KODAK DC240 ZOOM DIGITAL CAMERA", "KODAK DC240 ZOOM DIGITAL CAMERA"),
        ("LEICA CAMERA AG", "LEICA Q2", "LEICA Q2"),
        ("SONY", "ILCE-7M4", "SONY ILCE-7M4"),
        ("Canon", "Canonet", "Canon Canonet"),
        ("Camera", None, "Camera"),
        (None, " X100V ", "X100V"),
        ("", "", None),
        (None, None, None),
    ],
)
def test_nothing_is_said_twice(make: str | None, model: str | None, name: str | None) -> None:
    assert camera_name(make, model) == name
