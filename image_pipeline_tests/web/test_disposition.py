"""The names under which browsers store files, whatever the files are called."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_pipeline.files.names import to_text
from image_pipeline.web.disposition import disposition


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("beach.jpg", 'inline; filename="beach.jpg"'),
        (
            "Strand am Süden.jpg",
            "inline; filename=\"Strand am S_den.jpg\"; filename*=UTF-8''Strand%20am%20S%C3%BCden.jpg",
        ),
        ('a"; filename="b.exe', 'inline; filename="a_; filename=_b.exe"'),
        ("a\r\nSet-Cookie: x=1.jpg", 'inline; filename="a__Set-Cookie_ x=1.jpg"'),
        ("..", 'inline; filename="photograph"'),
        ("", 'inline; filename="photograph"'),
        (".htaccess", 'inline; filename="htaccess"'),
        ("..\\..\\boot.ini", 'inline; filename="_.._boot.ini"'),
        ("%2e%2e%2fa.jpg", 'inline; filename="_2e_2e_2fa.jpg"'),
        ("photo\u202egpj.exe", 'inline; filename="photo_gpj.exe"'),
        (to_text("caf\udce9.jpg"), 'inline; filename="caf_.jpg"'),
    ],
)
def test_a_name_is_kept_as_far_as_it_is_safe(name: str, header: str) -> None:
    assert disposition(name, is_shown=True) == header


def test_a_file_that_no_browser_shows_is_stored() -> None:
    assert disposition("a.nef", is_shown=False) == 'attachment; filename="a.nef"'


def test_a_long_name_keeps_its_ending() -> None:
    header = disposition("ü" * 300 + ".jpeg", is_shown=True)
    stored = unquote(header.rpartition("''")[2])
    assert stored.endswith("ü.jpeg")
    assert len(stored.encode()) <= 200


@given(st.text(max_size=400))
def test_no_name_leaves_its_place_in_the_header(name: str) -> None:
    header = disposition(name, is_shown=True)
    assert re.fullmatch(
        r'inline; filename="[ !#-$&-.0-9;=@-\[\]-~]+"(; filename\*=UTF-8\'\'[A-Za-z0-9._~%-]+)?', header
    )
