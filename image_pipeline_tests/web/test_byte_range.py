"""Ranges of bytes that clients ask for."""

import pytest

from image_pipeline.web.byte_range import OutsideError, wanted_range


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-9", range(10)),
        ("bytes=90-", range(90, 100)),
        ("bytes=90-1000", range(90, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-1000", range(100)),
        ("BYTES = 5 - 6 ", range(5, 7)),
        ("bytes=99-99", range(99, 100)),
        (None, None),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,4-5", None),
        ("pixels=0-1", None),
        ("bytes=a-b", None),
        ("bytes=٣-٤", None),
        (f"bytes={'9' * 20}-", None),
    ],
)
def test_one_range_is_understood_and_all_else_means_the_whole_file(header: str | None, wanted: range | None) -> None:
    assert wanted_range(header, 100) == wanted


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_a_range_without_any_byte_of_the_file_is_refused(header: str, size: int) -> None:
    with pytest.raises(OutsideError):
        wanted_range(header, size)
