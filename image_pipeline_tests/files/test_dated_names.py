"""Dates in the names of files."""

import pytest

from image_pipeline.files.dated_names import date_of_name

SECOND, DAY = "second", "day"


@pytest.mark.parametrize(
    ("name", "at", "precision"),
    [
        ("IMG_20220103_123456.jpg", "2022-01-03T12:34:56", SECOND),
        ("IMG20220103123456.jpg", "2022-01-03T12:34:56", SECOND),
        ("20220103_123456(0).jpg", "2022-01-03T12:34:56", SECOND),
        ("MVIMG_20190412_103456.jpg", "2019-04-12T10:34:56", SECOND),
        ("IMG_20220103_123456-EDIT.jpg", "2022-01-03T12:34:56", SECOND),
        ("IMG_20220103_996199.jpg", "2022-01-03", DAY),
        ("PXL_20220103_123456789.jpg", "2022-01-03T12:34:56.789Z", SECOND),
        ("PXL_20220103_123456789.MP.jpg", "2022-01-03T12:34:56.789Z", SECOND),
        ("PXL_20220103.jpg", "2022-01-03", DAY),
        ("IMG-20220103-WA0007.jpg", "2022-01-03", DAY),
        ("WhatsApp Image 2026-08-31 at 15.41.14.jpeg", "2026-08-31T15:41:14", SECOND),
        ("WhatsApp Image 2018-04-01 at 3.41.14 PM (1).jpeg", "2018-04-01T15:41:14", SECOND),
        ("WhatsApp Image 2018-04-01 at 12.41.14 AM.jpeg", "2018-04-01T00:41:14", SECOND),
        ("signal-2022-01-03-12-34-56-789.jpg", "2022-01-03T12:34:56", SECOND),
        ("signal-2022-01-03-123456.jpeg", "2022-01-03T12:34:56", SECOND),
        ("photo_2022-01-03_12-34-56.jpg", "2022-01-03T12:34:56", SECOND),
        ("Screenshot_20220103-123456_Chrome.jpg", "2022-01-03T12:34:56", SECOND),
        ("Screenshot_2022-01-03-12-34-56-789_com.app.jpg", "2022-01-03T12:34:56", SECOND),
        ("Screenshot from 2022-01-03 12-34-56.png", "2022-01-03T12:34:56", SECOND),
        ("Screen Shot 2022-01-03 at 3.04.05\u202fPM.png", "2022-01-03T15:04:05", SECOND),
        ("Bildschirmfoto 2022-01-03 um 12.34.56.png", "2022-01-03T12:34:56", SECOND),
        ("2011-07-19 11.36.39.jpg", "2011-07-19T11:36:39", SECOND),
        ("2011-07-19 11.36.39-1.jpg", "2011-07-19T11:36:39", SECOND),
        ("trips/2011/2011-07-19.jpg", "2011-07-19", DAY),
        ("1962-08-15 picnic.jpg", "1962-08-15", DAY),
        ("20110719.jpg", "2011-07-19", DAY),
    ],
)
def test_a_name_with_a_date(name: str, at: str, precision: str) -> None:
    moment = date_of_name(name)
    assert moment is not None and (moment.iso, str(moment.precision)) == (at, precision)


@pytest.mark.parametrize(
    "name",
    [
        *("IMG_1234.jpg", "DSC00012.jpg", "12345678.jpg", "99999999.jpg", "20221399.jpg", "2022-02-30.jpg"),
        *("3f20220103a.jpg", "9782020123456.jpg", "0e2022010312.jpg", "FB_IMG_1641212345678.jpg", "1825-01-01.jpg"),
        *("2022-01-03/IMG_1.jpg", "٢٠٢٢-٠١-٠٣.jpg", "", "9999-12-31.jpg", "120220103.jpg", "a.20220103"),
    ],
)
def test_a_name_without_one(name: str) -> None:
    assert date_of_name(name) is None


def test_a_long_name_costs_little() -> None:
    assert date_of_name("2022-01-0" * 100_000) is None
    assert date_of_name("IMG_" + "2" * 1_000_000) is None
