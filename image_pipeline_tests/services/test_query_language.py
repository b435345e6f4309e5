"""The query language: what a person types, what is asked for then, and the text that asks for the same."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_pipeline.collection.search_filter import Box, Near, SearchFilter, Span
from image_pipeline.services.query_filters import filter_texts
from image_pipeline.services.query_language import parse_query
from image_pipeline.services.query_tokens import QueryError


def asked(text: str) -> SearchFilter:
    query = parse_query(text)
    assert (query.words, query.phrases) == ("", ())
    return query.search_filter


def one_of(*filters: SearchFilter) -> SearchFilter:
    return SearchFilter(any_of=(filters,))


MAY: dict[str, Any] = {"after": datetime(2024, 5, 1), "before": datetime(2024, 6, 1)}
NIKON, CANON = SearchFilter(camera="nikon"), SearchFilter(camera="canon")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("camera:nikon", NIKON),
        ("Camera:nikon lens:50mm", SearchFilter(camera="nikon", lens="50mm")),
        ("2024-05", SearchFilter(**MAY)),
        ("date:2024-05", SearchFilter(**MAY)),
        ("2024", SearchFilter(after=datetime(2024, 1, 1), before=datetime(2025, 1, 1))),
        ("2024-02-29", SearchFilter(after=datetime(2024, 2, 29), before=datetime(2024, 3, 1))),
        ("2024-05..2024-07", SearchFilter(after=datetime(2024, 5, 1), before=datetime(2024, 8, 1))),
        ("2023-12-24..2024", SearchFilter(after=datetime(2023, 12, 24), before=datetime(2025, 1, 1))),
        ("2024-12..", SearchFilter(after=datetime(2024, 12, 1))),
        ("..1999", SearchFilter(before=datetime(2000, 1, 1))),
        ("after:2024-05-01T18:30", SearchFilter(after=datetime(2024, 5, 1, 18, 30))),
        ("rating:4.. iso:..400", SearchFilter(rating=Span(4), iso=Span(None, 400))),
        ("-keyword:work", SearchFilter(none_of=(SearchFilter(keywords=("work",)),))),
        ("tag:a tag:b", SearchFilter(keywords=("a", "b"))),
        ("tag:a,b", one_of(SearchFilter(keywords=("a",)), SearchFilter(keywords=("b",)))),
        ("camera:nikon,canon", one_of(NIKON, CANON)),
        ("camera:nikon OR camera:canon", one_of(NIKON, CANON)),
        ("camera:nikon OR -2024-05", one_of(NIKON, SearchFilter(none_of=(SearchFilter(**MAY),)))),
        ("camera:nikon,canon OR 2024-05", one_of(NIKON, CANON, SearchFilter(**MAY))),
        ("-camera:nikon,canon", SearchFilter(none_of=(NIKON, CANON))),
        ("camera:nikon camera:canon", SearchFilter(camera="nikon", any_of=((CANON,),))),
        ('person:"Berg, Anna",Ben', one_of(SearchFilter(people=("Berg, Anna",)), SearchFilter(people=("Ben",)))),
        (r'camera:"É \"µ\" \\"', SearchFilter(camera='É "µ" \\')),
        ("near:52.5,13.4,20km", SearchFilter(near=Near(52.5, 13.4, 20))),
        ("near:52.5,13.4,20", SearchFilter(near=Near(52.5, 13.4, 20))),
        ("box:-1,170,1,-170", SearchFilter(box=Box(-1, 170, 1, -170))),
        ("folder:./2024/trip/", SearchFilter(directory="2024/trip")),
        ("directory:.", SearchFilter(directory="")),
        ("format:JPG", SearchFilter(format="jpeg")),
        ("-dog", SearchFilter(none_of=(SearchFilter(words="dog"),))),
        ("", SearchFilter()),
    ],
)
def test_filters(text: str, expected: SearchFilter) -> None:
    assert asked(text) == expected


def test_towns() -> None:
    for text, place in (("Berlin,20km", (53, 13)), ('"Paris, US",20km', (34, -96)), ("münchen,20km", (48, 12))):
        near = asked(f"near:{text}").near
        assert near is not None and (round(near.latitude), round(near.longitude), near.radius_km) == (*place, 20)
    assert asked("near:東京").near == Near(35.6895, 139.69171, 10)


@pytest.mark.parametrize(
    "text",
    [
        "a red car",
        "12:30",
        "http://x.org",
        "a - b",
        "-",
        "--",
        "2034x",
        "cats OR dogs",
        "IMG_2034",
        "re:invent",
        "2024-13",
    ],
)
def test_words(text: str) -> None:
    query = parse_query(text)
    assert (query.words, query.search_filter) == (text, SearchFilter())


def test_words_and_filters_in_any_order() -> None:
    query = parse_query('  a camera:nikon  "golden gate" 2024-05   bridge "2019"')
    assert query.words == "a golden gate bridge 2019" and query.phrases == ("golden gate", "2019")
    assert query.search_filter == SearchFilter(camera="nikon", **MAY)
    assert parse_query('an "open end').phrases == ("open end",)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a camera: b", "camera: has no value", (2, 9)),
        ("camra:nikon", "There is no filter 'camra': write camera:", (0, 6)),
        ("x rating:9", "give whole numbers from -1 to 5", (2, 10)),
        ("near:nowhere-at-all", "no town is called 'nowhere-at-all'", (0, 19)),
        ("near:91,0,5", "give a latitude from -90 to 90", (0, 11)),
        ("camera:nikon OR dog", "OR has to stand between two filters", (13, 15)),
        ("camera:a,,b", "A value of camera: is empty", (9, 10)),
        ('camera:"a"b', "put a space or a comma there", (10, 11)),
        ("date:2024-13", "there is no date '2024-13'", (0, 12)),
        ("2024-05..2024-01", "give the earlier date first", (0, 16)),
        ("2023-02-30", "there is no date '2023-02-30'", (0, 10)),
        ("format:exe", "there is no format 'exe'", (0, 10)),
        ("directory:../x", "give a directory of the library", (0, 14)),
        ("-camera:a,b OR iso:100", "A minus with several values", (0, 11)),
        ("x" * 2001, "up to 2,000 characters", (2000, 2001)),
        ("iso:100 " * 65, "up to 64 filters", (0, 520)),
    ],
)
def test_what_cannot_be_understood(text: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(QueryError, match=message.replace("(", r"\(")) as caught:
        parse_query(text)
    assert (caught.value.start, caught.value.end) == place


def test_chips_say_what_and_where() -> None:
    text = 'camera:nikon OR camera:"Canon EOS" dogs -2024-05 near:Berlin,20km'
    chips = parse_query(text).chips
    assert [(chip.text, text[chip.start : chip.end], chip.name, chip.is_negative) for chip in chips] == [
        ('camera:nikon OR camera:"Canon EOS"', 'camera:nikon OR camera:"Canon EOS"', "camera", False),
        ("-2024-05", "-2024-05", "date", True),
        ("near:52.52437,13.41053,20.0km", "near:Berlin,20km", "near", False),
    ]


@given(st.text(alphabet='camerdtgko:,"\\- .OR209xé\n', max_size=40) | st.text(max_size=40))
def test_the_text_of_a_query_asks_for_the_same(text: str) -> None:
    try:
        query = parse_query(text)
    except QueryError as error:
        assert 0 <= error.start < error.end <= max(1, len(text))
        return
    again = parse_query(query.text)
    assert (again.words, again.phrases, again.search_filter) == (query.words, query.phrases, query.search_filter)
    assert again.text == query.text


VALUES = st.sampled_from(["a", "-a", "b c", 'd,"e"', "\\", "OR", "2024", "Ünï", ":", "x:y"])
DATES = st.sampled_from(
    [datetime(2024, 5, 1), datetime(2020, 1, 1), datetime(2023, 12, 31, 23, 59), datetime(1999, 3, 9)]
)
ATOMS = st.one_of(
    st.builds(SearchFilter, camera=VALUES),
    st.builds(SearchFilter, people=st.tuples(VALUES)),
    st.builds(SearchFilter, rating=st.builds(Span, st.just(2), st.none() | st.sampled_from([2, 4]))),
    st.builds(SearchFilter, after=DATES),
    st.builds(SearchFilter, near=st.builds(Near, st.floats(-90, 90), st.floats(-180, 180), st.floats(1e-9, 1e6))),
)
FILTERS = st.builds(
    SearchFilter,
    city=st.none() | VALUES,
    keywords=st.lists(VALUES, max_size=2, unique=True).map(tuple),
    after=st.none() | DATES,
    directory=st.sampled_from([None, "", "2024/trip 2"]),
    any_of=st.lists(st.lists(ATOMS, min_size=2, max_size=3, unique=True).map(tuple), max_size=2, unique=True).map(
        tuple
    ),
    none_of=st.lists(ATOMS, max_size=2, unique=True).map(tuple),
)


@given(FILTERS)
def test_the_text_of_a_filter_asks_for_it(search_filter: SearchFilter) -> None:
    assert asked(" ".join(filter_texts(search_filter))) == search_filter


@pytest.mark.parametrize(
    "text",
    [
        "-date:0999",
        "date:0500 OR city:Rome",
        "date:1750",
        "before:2500",
        "after:1700",
        "-after:1000",
        "date:0042-02-03",
    ],
)
def test_years_that_are_no_dates_by_themselves_are_kept_in_the_text(text: str) -> None:
    query = parse_query(text)
    again = parse_query(query.text)
    assert (again.words, again.search_filter) == ("", query.search_filter)
    assert query.search_filter != SearchFilter()
