"""Typed words: what a query finds in a photograph, and why."""

import time
from typing import Any

import pytest

from image_pipeline.collection.typed_words import Evidence, TypedWords
from image_pipeline.collection.words import words_of

PHOTO: dict[str, Any] = {
    "path": "2024/Lisbon trip/IMG_2034.jpg",
    "directory": "2024/Lisbon trip",
    "caption": "a dog and a red ball on a sandy beach",
    "description": "We walked to the lighthouse",
    "keywords": ["Beach", "Holidays/Été"],
    "people": ["Anna-Lena Berg"],
    "city": "Málaga",
    "state": "Andalucía",
    "country": "Spain",
    "title": "東京タワーと猫",
}


def found(text: str, **changed: Any) -> dict[str, list[str]]:
    return {one.word: list(one.fields) for one in TypedWords(text).found_in({**PHOTO, **changed})}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a dog on the Beaches", {"dog": ["caption"], "Beaches": ["keywords", "caption"]}),
        ("IMG_2034", {"IMG_2034": ["file_name"]}),
        ("img 2034", {"img": ["file_name"], "2034": ["file_name"]}),
        ("2034.", {"2034": ["file_name"]}),
        ("IMG_2035", {"IMG": ["file_name"]}),
        ("annalena", {"annalena": ["people"]}),
        ("AnnaLena (Berg)", {"AnnaLena": ["people"], "Berg": ["people"]}),
        ("ANNA malaga, andalucia", {"ANNA": ["people"], "malaga": ["city"], "andalucia": ["state"]}),
        ("ete holiday lighthouses", {"ete": ["keywords"], "holiday": ["keywords"], "lighthouses": ["description"]}),
        ("東京の猫", {"東京": ["title"]}),
        ("猫", {"猫": ["title"]}),
        ("a photo of Anna", {"Anna": ["people"]}),
        ("the", {"the": ["description"]}),
        ("on a", {"on": ["caption"], "a": ["caption"]}),
        ("dog dog DOG", {"dog": ["caption"]}),
        ("🎉 … \x1b[2J", {}),
        ("", {}),
    ],
)
def test_words_that_are_found_are_shown_as_they_were_typed(text: str, words: dict[str, list[str]]) -> None:
    assert found(text) == words


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("Anna", True),
        ("a photo of anna in malaga", True),
        ("IMG_2034", True),
        ("2024/Lisbon trip/IMG_2034.jpg", True),
        ("lisbon beach", True),
        ("東京", True),
        ("anna dog", False),
        ("dog", False),
        ("lighthouse", False),
        ("IMG_2024", False),  # the directory has a part of it
        ("東京の猫", False),
        ("on a", False),
        ("", False),
    ],
)
def test_a_photograph_is_named_by_all_words_or_not_at_all(text: str, is_named: bool) -> None:
    assert TypedWords(text).evidence(PHOTO).is_named is is_named


def test_neighbours_are_evidence() -> None:
    typed = TypedWords("a red ball")
    assert typed.evidence(PHOTO) == Evidence(1.0, is_named=False, is_complete=True)
    apart = {"path": "x.jpg", "caption": "a red dog and a blue ball"}
    assert typed.evidence(apart).share == pytest.approx(2 / 3)
    assert typed.evidence({"path": "x.jpg", "caption": "a ball"}).share == pytest.approx(1 / 3)
    assert typed.evidence({"path": "x.jpg"}).share == 0
    assert TypedWords("anna-lena berg").evidence(PHOTO).share == 1


def test_a_name_outweighs_prose_and_many_keywords_do_not_matter() -> None:
    def weight(text: str, payload: dict[str, Any]) -> float:
        (number,) = words_of({"caption": text}).indices
        words = words_of(payload)
        return dict(zip(words.indices, words.values, strict=True))[number]

    named = {"path": "1.jpg", "keywords": ["beach", *(f"keyword {n}" for n in range(500))]}
    told = {"path": "1.jpg", "caption": "beach beach", "description": "beach"}
    assert weight("beach", named) == weight("beach", {"path": "1.jpg", "people": ["Beach"]})
    assert weight("beach", {"path": "1.jpg", "caption": "a dog on a beach"}) < weight("beach", named)
    long = {"path": "1.jpg", "description": "beach " + "and so on " * 200}
    assert weight("beach", long) < 0.2 < weight("beach", told)


def test_a_very_long_query_is_cut_and_quick() -> None:
    start = time.process_time()
    typed = TypedWords(" ".join(f"word{n}" for n in range(100_000)) + "x" * 1_000_000)
    assert len(typed.vector.indices) < 1000
    assert typed.found_in({"path": "word63.jpg"}) != ()
    assert typed.found_in({"path": "word64.jpg"}) != typed.found_in({"path": "word63.jpg"})
    assert time.process_time() - start < 10
