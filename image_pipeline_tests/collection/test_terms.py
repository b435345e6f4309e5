"""Terms: which texts find which, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_pipeline.collection.terms import compatible, terms_of, tokens


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("IMG_2034.jpg", ["img", "2034", "jpg"]),
        ("DSC00042", ["dsc", "42"]),
        ("2024-05-01 000", ["2024", "5", "1", "0"]),
        ("Málaga MALAGA Ma\u0301laga", ["malaga"] * 3),
        ("Łódź Ærø İzmir ırmak Straße ﬁne", ["lodz", "aero", "izmir", "irmak", "strasse", "fine"]),
        ("Anna-Lena O'Brien O\u2019Brien", ["anna", "lena", "annalena", *["o", "brien", "obrien"] * 2]),
        (
            "NewYork iPhone HTMLParser",
            [*["new", "york", "newyork", "i", "phone", "iphone", "html", "parser", "htmlparser"]],
        ),
        ("USA McDonald", ["usa", "mc", "donald", "mcdonald"]),
        ("dog-on-a-beach-in-rain-today", ["dog", "on", "a", "beach", "in", "rain", "today"]),
        ("Ёлка ΣΟΦΟΣ σοφος", ["елка", "σοφοσ", "σοφοσ"]),
        ("東京の猫", ["東京", "京の", "の猫", "東", "京", "の", "猫"]),
        ("猫", ["猫"]),
        ("서울", ["서울", "서", "울"]),
        ("हिन्दी ٢٠٢٤ ＩＭＧ", ["हिन्दी", "2024", "img"]),
        ("party 🎉❤️!", ["party", "🎉", "❤"]),
        ("", []),
        ("- … \u202e\x00 \uf7e9", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert list(terms_of(text)) == terms


anything = st.text() | st.text(alphabet="aAbZ09-'_. éÉ東京กา\u0301🎉ß")


@given(text=anything)
def test_any_text_has_terms_whose_parts_are_in_order(text: str) -> None:
    given_ = compatible(text)
    parts = [part for token in tokens(given_) for part in token.parts]
    assert all(part.term and part.term.encode() for part in parts)
    assert all(0 <= part.start < part.end <= len(given_) for part in parts)
    assert [part.start for part in parts] == sorted(part.start for part in parts)
    assert {part.term for part in parts} <= set(terms_of(text))


@given(text=anything)
def test_terms_are_the_same_beside_a_text_in_another_script(text: str) -> None:
    """A text in ASCII alone takes a shorter way."""
    assert terms_of(f"{text} Ж") == (*terms_of(text), "ж")
