"""The dates of a search, as people write them."""

from datetime import UTC, datetime

import click
import pytest

from image_pipeline.cli.filters import search_filter_of


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2024", datetime(2024, 1, 1)),
        ("2024-05", datetime(2024, 5, 1)),
        ("2024-05-01", datetime(2024, 5, 1)),
        ("2024-05-01T18:30", datetime(2024, 5, 1, 18, 30)),
        ("2024-05-01T18:30+02:00", datetime(2024, 5, 1, 16, 30, tzinfo=UTC)),
        ("2024-05-01T18:30Z", datetime(2024, 5, 1, 18, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_the_photographers_unless_it_has_an_offset(written: str, date: datetime) -> None:
    asked = search_filter_of(None, written, written, None, None)
    assert (asked.after, asked.before) == (date, date)
    assert asked.after is not None and asked.after.tzinfo == date.tzinfo


@pytest.mark.parametrize("written", ["yesterday", "2024-13", "0000", "24", "2024-5", "٢٠٢٤"])
def test_any_other_text_is_refused(written: str) -> None:
    message = "give a date as 2024, 2024-05, 2024-05-01 or 2024-05-01T18:30"
    with pytest.raises(click.BadParameter, match=message):
        search_filter_of(None, None, written, None, None)
